"""The fleet as a message: every GPU with its free memory and what runs there, what would fit now, who uses what."""

from collections.abc import Sequence
from typing import Final

from rapidfuzz import process

from bot.fits_now import Spot
from bot.fleet import Fleet, FleetGpu, FleetNode, FleetUnavailable, LiveFleet, LoadedModel
from bot.messages.blocks import (
    actions,
    bullets,
    button,
    header,
    paragraph,
    rich_text,
    run,
    small_print,
    table,
)
from bot.messages.message import Block, Message, message
from bot.messages.mrkdwn import clipped, inert
from bot.messages.words import age, gpus
from shared.units import gib, tokens

MOST_ROWS: Final = 30
MOST_MODELS: Final = 3
MOST_NEAR: Final = 5


def unavailable_message(fleet: LiveFleet) -> Message:
    """Why nothing can be said about our GPUs."""
    if isinstance(fleet, FleetUnavailable):
        sentence = f"I cannot see our GPUs right now: {fleet.reason}."
    else:
        sentence = (
            "I am not told where our GPUs are: set PROMETHEUS_URL or FITTINGROOM_EXPORTER_URLS for the bot."
        )
    return message(inert(sentence), [rich_text(paragraph(sentence))])


def status_message(fleet: Fleet, place: str = "") -> Message:
    """Every GPU of the fleet (or of a node), the emptiest first."""
    rows = sorted(fleet.gpus(), key=lambda pair: -(pair[1].free_bytes or -1))
    title = f"{place or 'Our GPUs'}: {_count(rows)}"
    cells = [_row(node, gpu) for node, gpu in rows[:MOST_ROWS]]
    blocks: list[Block] = [header(title)]
    if cells:
        blocks.append(table(("GPU", "Free", "Of", "Running"), cells, right=(1, 2)))
    if len(rows) > MOST_ROWS:
        blocks.append(small_print(f"and {len(rows) - MOST_ROWS} more with less room"))
    blocks += [
        actions([button("What fits now?", "fit_ask:now", "what fits now")]),
        small_print(*_notes(fleet)),
    ]
    text = [title, *(" · ".join(cell for cell in row if cell) for row in cells[:10])]
    return message("\n".join(inert(line) for line in text), blocks, plain=_as_list)


def fits_message(fleet: Fleet, spots: Sequence[Spot], place: str = "") -> Message:
    """The best spots, each with the largest models that would fit."""
    title = f"What fits now{f' on {place}' if place else ''}"
    blocks: list[Block] = [header(title)]
    lines: list[str] = [title]
    for number, spot in enumerate(spots):
        where = f"{spot.node.name}, {_indices(spot.gpus)}: {gpus(len(spot.gpus), spot.gpu.name)}"
        free = f"{gib(spot.free_bytes)} free{' on each' if len(spot.gpus) > 1 else ''}"
        models = [
            f"{option.estimate.workload.model.name} {option.quantization.name}, "
            f"{tokens(option.estimate.workload.context_tokens)} context"
            for option in spot.options
        ]
        body = bullets(models) if models else paragraph(_nothing(spot))
        blocks.append(rich_text(paragraph(run(f"{where}, {free}", bold=True)), body))
        lines.append(f"{where}, {free}: {'; '.join(models) or _nothing(spot)}")
        if number == 0 and spot.options:
            best = spot.options[0].estimate.workload
            ask = f"{best.model.id} on {len(spot.gpus)}x {spot.gpu.id} {best.quantization.id}"
            blocks.append(actions([button(f"Plan {best.model.name}", "fit_ask:plan", ask)]))
    if not spots:
        blocks.append(rich_text(paragraph("No GPU has room for any of the usual models right now.")))
        lines.append("No GPU has room for any of the usual models right now.")
    blocks.append(small_print(*_notes(fleet)))
    return message("\n".join(inert(line) for line in lines), blocks)


def users_message(fleet: Fleet, place: str, found: Sequence[tuple[FleetNode, FleetGpu]]) -> Message:
    """Which models, and whose, are on the GPUs meant."""
    if not found:
        return _no_such_place(fleet, place)
    lines = [
        f"{node.name}, GPU {gpu.index}: {_running(gpu, most=8) or _idle(gpu)}"
        for node, gpu in found[:MOST_ROWS]
    ]
    blocks = [header(f"On {clipped(place, 100)}"), rich_text(bullets(lines)), small_print(*_notes(fleet))]
    return message("\n".join(inert(line) for line in lines), blocks)


def _no_such_place(fleet: Fleet, place: str) -> Message:
    """The nodes we see, the nearest names as buttons."""
    names = [node.name for node in fleet.nodes]
    near = [name for name, _, _ in process.extract(place, names, limit=MOST_NEAR)]
    sentence = f"I see no GPU or node called {clipped(place, 60)}; the nodes I see: {', '.join(names[:8])}."
    buttons = [button(name, f"fit_ask:{number}", f"status of {name}") for number, name in enumerate(near)]
    return message(
        inert(sentence), [rich_text(paragraph(sentence)), *([actions(buttons)] if buttons else [])]
    )


def _nothing(spot: Spot) -> str:
    return f"not known: {spot.problem}" if spot.problem else "none of the usual models"


def _count(rows: Sequence[tuple[FleetNode, FleetGpu]]) -> str:
    nodes = len({node.name for node, _ in rows})
    return f"{len(rows)} {'GPU' if len(rows) == 1 else 'GPUs'} on {nodes} {'node' if nodes == 1 else 'nodes'}"


def _row(node: FleetNode, gpu: FleetGpu) -> tuple[str, ...]:
    name = f"{node.name} · GPU {gpu.index} · {gpu.product.removeprefix('NVIDIA ')}"
    name += f" {gpu.mig_profile}" if gpu.mig_profile else ""
    free = gib(gpu.free_bytes) if gpu.free_bytes is not None else "unknown"
    total = gib(gpu.total_bytes, digits=0) if gpu.total_bytes is not None else ""
    stale = f"stale, {age(node.age_seconds)}" if node.stale else ""
    return (
        name,
        free,
        total,
        "; ".join(part for part in (stale, _running(gpu, most=MOST_MODELS) or _idle(gpu)) if part),
    )


def _idle(gpu: FleetGpu) -> str:
    return f"❌ {gpu.problem}" if gpu.problem else "no model seen"


def _running(gpu: FleetGpu, *, most: int) -> str:
    shown = [_model(model) for model in gpu.loaded[:most]]
    if len(gpu.loaded) > most:
        shown.append(f"and {len(gpu.loaded) - most} more")
    return "; ".join(shown)


def _model(model: LoadedModel) -> str:
    parts = [" ".join(part for part in (model.model, model.quantization) if part), model.engine]
    if model.used_bytes is not None:
        parts.append(gib(model.used_bytes))
    if model.limit_ratio is not None:
        parts.append(f"{model.limit_ratio:.0%} of its limit")
    if model.workload:
        parts.append(model.workload)
    return ", ".join(part for part in parts if part)


def _indices(seen: Sequence[FleetGpu]) -> str:
    return ("GPU " if len(seen) == 1 else "GPUs ") + ", ".join(gpu.index for gpu in seen)


def _notes(fleet: Fleet) -> list[str]:
    simulated = "Simulated nodes, not real hardware. " if fleet.simulated else ""
    notes = [f"{simulated}Read from {fleet.source}, {age(fleet.age_seconds)}."]
    notes += [clipped(one, 200) for one in fleet.problems[:3]]
    if fleet.left_out:
        notes.append(f"{fleet.left_out} nodes are beyond what I read at once; a Prometheus would do.")
    return notes


def _as_list(block: Block) -> Sequence[Block]:
    if block["type"] != "table":
        return (block,)
    return (rich_text(bullets([" · ".join(cell["text"] for cell in row) for row in block["rows"][1:]])),)
