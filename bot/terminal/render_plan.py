"""An answer for a person: verdict first, then why, what would work and its commands, our GPUs, the small print."""

from collections.abc import Iterator
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from bot.answer import Answer
from bot.messages.words import age, choice_word, costly, field_word, loss
from bot.terminal.bars import COST_STYLE, VERDICT_STYLE, bar, fullest, legend
from bot.terminal.render_estimate import breakdown_table
from bot.terminal.render_options import print_options
from bot.terminal.render_tables import counts_table, quantizations_table
from shared.errors import shown
from shared.inverse.load import context_per_sequence
from shared.planner.plan import Headline, Option, Plan
from shared.planner.sentence import hardware
from shared.question.query import Query, Reading
from shared.units import tokens

_HEADLINE_STYLE: Final = {
    Headline.YES: ("✓", "bold green"),
    Headline.WITH_CHANGES: ("~", "bold yellow"),
    Headline.NO: ("✗", "bold red"),
    Headline.UNKNOWN: ("?", "bold bright_black"),
}
# The parts of a question in the order they are read back, and how each is said.
_PARTS_OF_A_QUESTION: Final = {
    "model": "{}",
    "quantization": "{}",
    "purpose": "for {}",
    "gpu_count": "{} GPUs",
    "gpu": "{}",
    "gpu_memory_bytes": "{} of GPU memory",
    "host_memory_bytes": "{} of host memory",
    "context_tokens": "{} tokens of context",
    "sequences": "{} at once",
    "kv_cache_type": "KV cache in {}",
    "gpu_layers": "{} layers on the GPU",
    "tensor_parallel": "tensor parallel {}",
    "engine": "{}",
}


def show_answer(answer: Answer, *, console: Console | None = None, everything: bool = False) -> None:
    """Print the answer."""
    screen = console or Console(highlight=False, emoji=False)
    plan = answer.plan
    screen.print(_verdict(plan))
    if plan.asked is not None:
        _spaced(screen, _asked(plan.asked))
    if plan.options:
        screen.print()
        print_options(plan, screen, everything=everything)
    for part in _parts(answer, everything=everything):
        _spaced(screen, part)
    _spaced(screen, _small_print(answer, everything=everything))


def _spaced(screen: Console, part: RenderableType) -> None:
    screen.print()
    screen.print(part)


def _parts(answer: Answer, *, everything: bool) -> Iterator[RenderableType]:
    plan = answer.plan
    if plan.on_these_gpus:
        yield quantizations_table(plan, everything=everything)
    if plan.counts:
        yield counts_table(plan)
    if live := _live(answer):
        yield _section("On our GPUs now", *(Text(line) for line in live))
    if plan.warnings:
        yield _section("Careful", *(Text(f"! {line}", "yellow") for line in plan.warnings))


def _live(answer: Answer) -> list[str]:
    """Our GPUs now; most shells have none to look at, and need none of its words."""
    if answer.fleet is None:
        return []
    from bot.messages.fleet import fleet_lines

    return fleet_lines(answer)


def _section(title: str, *lines: RenderableType) -> Group:
    return Group(Text(title, "bold"), *(Padding(line, (0, 0, 0, 2)) for line in lines))


def _verdict(plan: Plan) -> Group:
    sign, style = _HEADLINE_STYLE[plan.headline]
    if plan.headline is Headline.YES and plan.asked and not plan.asked.quantization.healthy:
        sign, style = "!", "bold yellow"  # a model that no longer works is no green yes
    lines: list[RenderableType] = [Text(f"{sign} {plan.sentence}", style)]
    order = list(_PARTS_OF_A_QUESTION)
    parts = sorted(plan.query.readings, key=lambda one: order.index(one.field) if one.field in order else 99)
    readings = [_reading(reading, plan.query) for reading in parts]
    if readings:
        lines.append(Text(f"  Read as: {' · '.join(readings)}", "bright_black"))
    asked_back = (
        Text(f"  Which {field_word(one.field)}? '{one.given}' may be {choices}.", "yellow")
        for one in plan.query.ambiguous
        for choices in [", ".join(choice_word(one.field, choice) for choice in one.choices)]
    )
    return Group(*lines, *asked_back)


def _reading(reading: Reading, query: Query) -> str:
    """What one part was taken for, by name rather than by id, and how sure that is."""
    names = {
        row.id: row.name for row in (query.model, query.gpu, query.quantization, *query.other_models) if row
    }
    value = names.get(reading.value, reading.value)
    how = {"assumed": " (assumed)", "corrected": f" (you wrote {shown(reading.given)})"}
    return f"{_PARTS_OF_A_QUESTION.get(reading.field, '{}').format(value)}{how.get(reading.how, '')}"


def _asked(one: Option) -> Group:
    """Where the bytes of what was asked go, and the bar against the card."""
    load = one.estimate.workload
    sign, style = VERDICT_STYLE[one.verdict]
    title = (
        f"{load.model.name} {load.quantization.name} on {hardware(one.estimate.gpus)}, "
        f"{tokens(context_per_sequence(load))} context, {load.engine} {one.estimate.breakdown.engine_version}"
    )
    device = fullest(one.estimate.breakdown)
    lines: list[RenderableType] = []
    if device is not None and one.estimate.capacity_bytes:
        lines += [bar(device, min(one.estimate.capacity_bytes), 48), legend(device)]
    lines.append(breakdown_table(one.estimate))
    words = costly(one.verdict.value.replace("_", " "), loss(one))
    verdict = Text.assemble((f"{sign} {words}  ", COST_STYLE.get(loss(one), style)), (title, "bold"))
    return Group(verdict, *(Padding(line, (0, 0, 0, 2)) for line in lines))


def _small_print(answer: Answer, *, everything: bool) -> Text:
    plan = answer.plan
    said = list(plan.assumptions)
    if any(one.price for one in plan.options):
        said.append("Prices are list prices of the day shown with them.")
    lines = [f"Assumed: {' '.join(said)}"] if said else []
    if everything:
        lines += [f"Source: {source}" for source in plan.sources]
    elif plan.more:
        lines.append(f"{len(plan.more)} more options with --all.")
    if plan.sources and not everything:
        lines.append(f"Facts of {answer.catalog_date}; {len(plan.sources)} sources, shown with --all.")
    if answer.fleet is not None and hasattr(answer.fleet, "age_seconds"):
        lines.append(f"Live numbers are {age(answer.fleet.age_seconds)}.")
    return Text("\n".join(lines), "bright_black")
