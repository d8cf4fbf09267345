"""What went wrong, as a message: a person's mistake with the nearest names as buttons, ours with an id."""

from typing import Final

from bot.canonical import with_suggestion
from bot.messages.blocks import actions, button, labelled, paragraph, rich_text, run, small_print
from bot.messages.message import Block, Message, message
from bot.messages.mrkdwn import clipped, inert
from shared.errors import UserError

MOST_SUGGESTIONS: Final = 5
MOST_CARRIED: Final = 1500


def error_message(error: UserError, text: str, command: str) -> Message:
    """One sentence, and a button per name that would work in place of what was not understood."""
    given = getattr(error, "given", "")
    asks = {
        suggestion: with_suggestion(text, given, suggestion)
        for suggestion in error.suggestions[:MOST_SUGGESTIONS]
    }
    buttons = [
        button(suggestion, f"fit_ask:{number}", again, says=f"Ask again with {suggestion}")
        for number, (suggestion, again) in enumerate(asks.items())
        if again and len(again) <= MOST_CARRIED
    ]
    sentence = clipped(error.sentence, 1500)
    blocks: list[Block] = [rich_text(paragraph(run("I cannot answer that as asked. ", bold=True), sentence))]
    if buttons:
        blocks += [labelled("Ask again with", "one of these:"), actions(buttons)]
    blocks.append(small_print(f"{command} help shows what I understand."))
    return message(inert(sentence), blocks)


def progress_message(step: str) -> Message:
    """What is being done, for whoever waits."""
    return message(inert(step), [rich_text(paragraph(step))])


def failure_message(incident: str) -> Message:
    """Something broke on our side; the id is what to look for in the log."""
    sentence = f"Something went wrong on my side, not in your question. It is logged as incident {incident}."
    return message(sentence, [rich_text(paragraph(sentence))])
