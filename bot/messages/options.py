"""The options of a plan as a table, or as a list where Slack refuses tables."""

from collections.abc import Sequence
from typing import Final

from bot.answer import candidates
from bot.messages.blocks import bullets, paragraph, rich_text, run, table
from bot.messages.message import Block
from bot.messages.words import context, memory, option_name, speed, verdict
from shared.memory.breakdown import Verdict
from shared.planner.plan import Option, Plan
from shared.planner.ranking import quality_step
from shared.question.query import Intent

MOST_OPTIONS: Final = 6
_LOST: Final = ("none", "next to none", "a little", "some", "much, visible", "ruinous")  # by quality_step


def shown_options(plan: Plan) -> tuple[Option, ...]:
    """The options of the table, in the plan's order; what was asked is above it unless it is the answer."""
    fitting = plan.asked is not None and plan.asked.verdict is Verdict.FITS
    return (candidates(plan) if fitting else plan.options)[:MOST_OPTIONS]


def options_blocks(plan: Plan) -> tuple[Block, ...]:
    """A title and the table; the context is a column only where it differs."""
    options = shown_options(plan)
    if not options:
        return ()
    contexts = {context(option) for option in options}
    title = "What would work" + (f", {next(iter(contexts))} context" if len(contexts) == 1 else "")
    head = ["", "What to run", "Engine", "Memory per GPU", "Tokens/s", "Quality lost"]
    rows = [_cells(number, option, plan) for number, option in enumerate(options, start=1)]
    if len(contexts) > 1:
        head.insert(3, "Context")
        for option, cells in zip(options, rows, strict=True):
            cells.insert(3, context(option))
    if plan.query.intent is Intent.CHEAPEST:
        head.append("USD an hour")
        for option, cells in zip(options, rows, strict=True):
            cells.append(_price(option))
    return (rich_text(paragraph(run(title, bold=True))), table(head, rows))


def _price(option: Option) -> str:
    price = option.price
    return f"{price.usd_per_hour:.2f}, {price.provider}, {price.as_of}" if price else "unknown"


def _cells(number: int, option: Option, plan: Plan) -> list[str]:
    return [
        verdict(option),
        f"{number}. {option_name(option, plan)}",
        option.estimate.workload.engine,
        memory(option),
        speed(option),
        _LOST[quality_step(option)],
    ]


def without_table(block: Block) -> Sequence[Block]:
    """A table as a list, for a Slack that refuses tables."""
    if block["type"] != "table":
        return (block,)
    lines = [
        " · ".join(cell["text"] for cell in row if cell.get("text", " ") != " ") for row in block["rows"][1:]
    ]
    return (rich_text(bullets(lines)),)
