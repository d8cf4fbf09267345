"""Models side by side: a chart of what each needs as asked, and a table of the best way to run each."""

from collections.abc import Sequence
from typing import Final

from bot.messages.blocks import paragraph, rich_text, run, table
from bot.messages.chart import CAPACITY, bar_chart
from bot.messages.message import Block
from bot.messages.mrkdwn import clipped
from bot.messages.verdict import best_option, each
from bot.messages.words import context, fullest, memory, option_name, speed, verdict
from shared.planner.plan import Plan
from shared.question.query import Intent

_LABEL_MOST: Final = 16  # room for the number that keeps two labels apart


def is_comparison(plan: Plan) -> bool:
    """Whether several models were compared, not several readings of one question."""
    return plan.query.intent is Intent.COMPARE and bool(plan.others) and not plan.query.ambiguous


def comparison_blocks(plan: Plan, *, chart: bool) -> tuple[Block, ...]:
    """What every model needs, and how it runs best."""
    plans = each(plan)
    drawn = _chart(plans) if chart else None
    head = ["", "Model", "Best way", "Engine", "Context", "Memory per GPU", "Tokens/s"]
    rows = [_row(one) for one in plans]
    title = rich_text(paragraph(run("Side by side, each the best way", bold=True)))
    return (*((drawn,) if drawn else ()), title, table(head, rows))


def _row(plan: Plan) -> list[str]:
    name = plan.query.model.name if plan.query.model else ""
    best = best_option(plan)
    if best is None:
        return ["❔", name, "nothing that I know of", "", "", "", ""]
    return [
        verdict(best),
        name,
        option_name(best, plan),
        best.estimate.workload.engine,
        context(best),
        memory(best),
        speed(best),
    ]


def _chart(plans: Sequence[Plan]) -> Block | None:
    """A bar per model as asked, in one number, then what the GPUs have; None where one has no number."""
    asked = [plan.asked for plan in plans if plan.asked and plan.asked.estimate.capacity_bytes]
    if len(asked) < len(plans):
        return None
    bars = {
        f"{number}. {clipped(one.estimate.workload.model.name, _LABEL_MOST)}": fullest(one)[0]
        for number, one in enumerate(asked, start=1)
    }
    return bar_chart("Memory needed as asked, in GiB", {**bars, CAPACITY: fullest(asked[0])[1]})
