"""The options as a table: what to run, a bar against the capacity line, speed, price and why."""

from rich import box
from rich.table import Table
from rich.text import Text

from bot.messages.words import fullest as fullest_bytes
from bot.messages.words import offload_words
from bot.terminal.bars import VERDICT_STYLE, bar, fullest
from shared.planner.plan import Option, OptionKind, Plan
from shared.planner.workloads import context_per_sequence
from shared.units import GIB, gib, tokens

_KIND = {
    OptionKind.AS_ASKED: "as asked",
    OptionKind.QUANTIZATION: "other quantization",
    OptionKind.CONTEXT: "shorter context",
    OptionKind.KV_CACHE: "quantized KV cache",
    OptionKind.MORE_GPUS: "more GPUs",
    OptionKind.OFFLOAD: "CPU offload",
    OptionKind.OTHER_GPU: "another GPU",
    OptionKind.OTHER_MODEL: "smaller model",
    OptionKind.MIG_SLICE: "a slice",
}


def options_table(plan: Plan) -> Table:
    """One row per option, best first."""
    table = Table(title="What would work", title_style="bold", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("", style="cyan", width=1)
    table.add_column("What", ratio=3)
    table.add_column("Memory per GPU", no_wrap=True)
    table.add_column("Tokens/s", justify="right", no_wrap=True)
    table.add_column("USD/h", justify="right", no_wrap=True)
    for number, one in enumerate(plan.options, 1):
        table.add_row(str(number), _what(one, plan), _memory(one), _speed(one), _price(one))
    return table


def _what(one: Option, plan: Plan) -> Text:
    load = one.estimate.workload
    model = "" if plan.query.model and load.model.id == plan.query.model.id else f"{load.model.name} "
    count = f"{one.gpu_count}x " if one.gpu_count > 1 else ""
    words = Text.assemble(
        (f"{model}{load.quantization.name}", "bold"),
        f" on {count}{one.gpu.name}, {load.engine}",
        (f"  [{_KIND[one.kind]}]", "cyan"),
    )
    details = [f"{tokens(context_per_sequence(load))} context"]
    if load.sequences > 1:
        details.append(f"{load.sequences:,} users")
    if load.kv_cache_type_k != "auto":
        details.append(f"KV cache {load.kv_cache_type_k}")
    if one.kind is OptionKind.OFFLOAD:
        details.append(offload_words(one))
    words.append(f"\n{', '.join(details)}. {one.reason}", "bright_black")
    words.append(f"\n{one.quality}", "bright_black" if one.healthy else "red")
    for note in one.notes:
        words.append(f"\n{note}", "bright_black")
    return words


def _memory(one: Option) -> Text:
    device = fullest(one.estimate.breakdown)
    if device is None or not one.estimate.capacity_bytes:
        return Text(f"{gib(one.estimate.breakdown.host.total_bytes)} of host memory")
    needed, capacity = fullest_bytes(one)
    sign, style = VERDICT_STYLE[one.verdict]
    words = bar(device, capacity, 24)
    words.append(f"\n{needed / GIB:,.1f} of {gib(capacity)} ")
    words.append(f"{sign} {one.verdict.value.replace('_', ' ')}", style)
    words.append(f"\n± {gib(one.estimate.uncertainty_bytes)}", "bright_black")
    return words


def _speed(one: Option) -> Text:
    if one.speed is None:
        return Text("not known", "bright_black")
    sure = "" if one.speed.validated else "?"
    words = Text(f"~{_rate(one.speed.tokens_per_second)}{sure}")
    words.append(f"\n{_rate(one.speed.low)}-{_rate(one.speed.high)}", "bright_black")
    return words


def _rate(tokens_per_second: float) -> str:
    return f"{tokens_per_second:,.0f}" if tokens_per_second >= 10 else f"{tokens_per_second:.1f}"


def _price(one: Option) -> Text:
    if one.price is None:
        return Text("-", "bright_black")
    words = Text(f"{one.price.usd_per_hour:,.2f}")
    words.append(f"\n{one.price.provider}\n{one.price.as_of}", "bright_black")
    return words
