"""What each quantization does on the asked GPUs, and how many of them the usual precisions need."""

from rich import box
from rich.table import Table
from rich.text import Text

from bot.messages.words import BREAKS
from bot.terminal.bars import COST_STYLE, VERDICT_STYLE
from shared.memory.breakdown import Verdict
from shared.planner.plan import Plan, QuantizationFit
from shared.planner.sentence import cards, hardware
from shared.units import gib, tokens

_MOST_ROWS = 9
_SHORT = {
    Verdict.FITS: "fits",
    Verdict.TIGHT: "tight",
    Verdict.DOES_NOT_FIT: "too large",
    Verdict.UNKNOWN: "unknown",
}


def quantizations_table(plan: Plan, *, everything: bool) -> Table:
    """Best quality first; unless everything is wanted, from the last that does not fit downwards."""
    gpu = plan.query.gpu
    named = cards(gpu.name, plan.query.gpu_count or 1) if gpu else "it"
    where = hardware(plan.asked.estimate.gpus) if plan.asked else named
    table = Table(
        title=f"What fits on {where} as it is, best quality first",
        title_style="bold",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    for name, right in (("Quantization", False), ("Engine", False), ("Weights", True), ("Total", True)):
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("Max context", justify="right", no_wrap=True)
    for fit in plan.on_these_gpus if everything else _worth_showing(plan):
        table.add_row(
            Text(fit.quantization.name, "" if fit.quantization.healthy else "red"),
            fit.engine,
            gib(fit.weights_bytes),
            gib(fit.total_bytes),
            _word(fit),
            tokens(fit.longest_context_tokens) if fit.longest_context_tokens else "-",
        )
    return table


def _word(fit: QuantizationFit) -> Text:
    sign, style = VERDICT_STYLE[fit.verdict]
    if fit.verdict in {Verdict.FITS, Verdict.TIGHT} and not fit.quantization.healthy:
        return Text("! breaks it", COST_STYLE[BREAKS])  # no wider than the other words: six columns in 80
    return Text(f"{sign} {_SHORT[fit.verdict]}", style)


def _worth_showing(plan: Plan) -> tuple[QuantizationFit, ...]:
    """What was asked, the usual 4-bit type, the last two that are too large, and the best that fit."""
    fits = plan.on_these_gpus
    asked = plan.asked.quantization.id if plan.asked else ""
    too_large = [fit for fit in fits if fit.verdict is Verdict.DOES_NOT_FIT]
    fitting = [fit for fit in fits if fit.verdict is not Verdict.DOES_NOT_FIT]
    landmarks = [fit for fit in fits if fit.quantization.id in (asked, "Q4_K_M")]
    kept = {id(fit) for fit in (*landmarks, *too_large[-2:], *fitting[: _MOST_ROWS - 4])}
    return tuple(fit for fit in fits if id(fit) in kept)


def counts_table(plan: Plan) -> Table:
    """How many of the asked GPU each usual precision needs."""
    name = plan.counts[0].gpu.name
    table = Table(title=f"How many {name}", title_style="bold", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("Precision", no_wrap=True)
    table.add_column("Engine", no_wrap=True)
    table.add_column("GPUs", justify="right", no_wrap=True)
    table.add_column("On each", justify="right", no_wrap=True)
    for fit in plan.counts:
        count = str(fit.gpu_count) if fit.gpu_count else "more than we tried"
        if fit.verdict is Verdict.TIGHT:
            count += f" (tight; {fit.sure_count} to be sure)" if fit.sure_count else " (tight)"
        table.add_row(
            fit.quantization.name, fit.engine, count, gib(fit.per_gpu_bytes) if fit.gpu_count else "-"
        )
    return table
