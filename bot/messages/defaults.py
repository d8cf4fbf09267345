"""What we say about a channel's defaults."""

from bot.messages.blocks import paragraph, preformatted, rich_text, run
from bot.messages.message import Message, message
from bot.messages.mrkdwn import inert


def shown_message(text: str, command: str) -> Message:
    """What is taken for granted here, and how to change it."""
    example = f"{command} defaults 2x A100 80GB vllm 32k context"
    sentence = (
        f"Questions here are read with: {text}." if text else "Nothing is taken for granted in this channel."
    )
    how = f"Set it with an example like the one below; {command} defaults none takes it away."
    blocks = [rich_text(paragraph(run(sentence, bold=True)), paragraph(how), preformatted(example))]
    return message(inert(f"{sentence} {how} {example}"), blocks)


def set_message(text: str) -> Message:
    """Done."""
    sentence = f"From now on questions in this channel are read with: {text}. What a question says itself always wins."
    return message(inert(sentence), [rich_text(paragraph(sentence))])


def cleared_message() -> Message:
    """Done."""
    sentence = "Nothing is taken for granted in this channel any more."
    return message(sentence, [rich_text(paragraph(sentence))])
