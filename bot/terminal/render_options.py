"""The options one below the other: what to run, a bar against the capacity line, why, and the command to paste."""

import shlex
from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from bot.messages.words import costly, loss, offload_words
from bot.messages.words import fullest as fullest_bytes
from bot.terminal.bars import COST_STYLE, VERDICT_STYLE, bar, fullest
from shared.inverse.load import context_per_sequence
from shared.planner.plan import Option, OptionKind, Plan
from shared.units import GIB, gib, tokens

KIND = {
    OptionKind.AS_ASKED: "as asked",
    OptionKind.QUANTIZATION: "other quantization",
    OptionKind.CONTEXT: "shorter context",
    OptionKind.KV_CACHE: "smaller KV cache",
    OptionKind.MORE_GPUS: "more GPUs",
    OptionKind.OFFLOAD: "CPU offload",
    OptionKind.OTHER_GPU: "another GPU",
    OptionKind.OTHER_MODEL: "smaller model",
    OptionKind.MIG_SLICE: "a slice",
}
_BAR_CELLS = 24


def print_options(plan: Plan, screen: Console, *, everything: bool) -> None:
    """The options, best first; a command stays on one line whatever the width, so that it can be copied."""
    screen.print(Text("What would work, best first", "bold"))
    for number, one in enumerate((*plan.options, *(plan.more if everything else ())), 1):
        screen.print()
        screen.print(_title(number, one, plan))
        for line in _lines(one):
            screen.print(Padding(line, (0, 0, 0, 3)))
        if one.command:
            screen.print(Text.assemble(("   $ ", "cyan"), shlex.join(one.command)), soft_wrap=True)


def _title(number: int, one: Option, plan: Plan) -> Text:
    load = one.estimate.workload
    model = "" if plan.query.model and load.model.id == plan.query.model.id else f"{load.model.name} "
    where = " + ".join(f"{count}x {gpu.name}" if count > 1 else gpu.name for count, gpu in one.kinds)
    return Text.assemble(
        (f"{number}  ", "bold cyan"),
        (f"{model}{load.quantization.name}", "bold" if one.healthy else "bold red"),
        f" on {where}, {load.engine}",
        (f"  {KIND[one.kind]}", "cyan"),
        (f", ours: {one.ours}" if one.ours else "", "bold green"),
    )


def _lines(one: Option) -> Iterator[Text]:
    yield _memory(one)
    yield Text(" · ".join((*_settings(one), _speed(one), *_price(one))))
    yield Text(one.reason, "bright_black")
    yield Text(one.quality, "bright_black" if one.healthy else "red")
    for note in one.notes:
        yield Text(note, "bright_black")


def _memory(one: Option) -> Text:
    device = fullest(one.estimate.breakdown)
    if device is None or not one.estimate.capacity_bytes:
        return Text(f"{gib(one.estimate.breakdown.host.total_bytes)} of host memory")
    needed, capacity = fullest_bytes(one)
    sign, style = VERDICT_STYLE[one.verdict]
    each = " on each" if one.gpu_count > 1 else ""
    words = bar(device, capacity, _BAR_CELLS)
    words.append(
        f" {needed / GIB:,.1f} ± {one.estimate.uncertainty_bytes / GIB:,.1f} of {gib(capacity)}{each}  "
    )
    said = costly(one.verdict.value.replace("_", " "), loss(one))
    words.append(f"{sign} {said}", COST_STYLE.get(loss(one), style))
    return words


def _settings(one: Option) -> Iterator[str]:
    load = one.estimate.workload
    yield f"{tokens(context_per_sequence(load))} context"
    if load.sequences > 1:
        yield f"{load.sequences:,} users"
    if load.kv_cache_type_k != "auto":
        yield f"KV cache {load.kv_cache_type_k}"
    if one.kind is OptionKind.OFFLOAD:
        yield offload_words(one)


def _speed(one: Option) -> str:
    if one.speed is None:
        return "speed not known"
    speed = one.speed
    sure = "" if speed.validated else ", not measured on this card"
    alone = (
        f"about {_rate(speed.tokens_per_second)} tokens/s ({_rate(speed.low)} to {_rate(speed.high)}{sure})"
    )
    if speed.together_tokens_per_second is None:
        return alone
    return f"{alone} alone, {_rate(speed.together_tokens_per_second)} for all together"


def _rate(tokens_per_second: float) -> str:
    return f"{tokens_per_second:,.0f}" if tokens_per_second >= 10 else f"{tokens_per_second:.1f}"


def _price(one: Option) -> Iterator[str]:
    if one.price is not None:
        yield f"{one.price.usd_per_hour:,.2f} USD/h at {one.price.provider}, {one.price.as_of}"
