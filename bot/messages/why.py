"""Why the numbers are what they are: every formula with its values put in, and where each value comes from."""

from collections.abc import Sequence

from bot.canonical import canonical_text
from bot.messages.blocks import (
    actions,
    bullets,
    button,
    header,
    paragraph,
    preformatted,
    rich_text,
    run,
    small_print,
)
from bot.messages.message import Message, message
from bot.messages.mrkdwn import clipped, inert
from bot.messages.words import context, option_name, subject
from shared.planner.plan import Option, Plan
from shared.planner.reason import Reason

MOST_SOURCES = 4


def why_message(plan: Plan, option: Option, found: Sequence[Reason]) -> Message:
    """The reasons of one option's numbers, each in a block of its own so that a long one costs only itself."""
    title = f"Why: {subject(plan.query) or option_name(option, plan)}"
    about = f"{option_name(option, plan)}, {context(option)} context"
    parts = [
        rich_text(
            paragraph(run(f"{reason.name}: ", bold=True), clipped(reason.value, 200)),
            preformatted(clipped("\n".join(reason.formula), 1200)),
            *(
                [bullets([clipped(one, 200) for one in reason.sources[:MOST_SOURCES]])]
                if reason.sources
                else []
            ),
        )
        for reason in found
    ]
    blocks = [
        header(title),
        rich_text(paragraph(run(about, bold=True))),
        *parts,
        actions([button("Back to the answer", "fit_ask:why-back", canonical_text(plan.query))]),
        small_print("Each line is the formula with its values put in; below it where they come from."),
    ]
    text = [title, about, *(f"{reason.name}: {reason.value}" for reason in found)]
    return message("\n".join(inert(line) for line in text), blocks)
