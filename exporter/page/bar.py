"""The bar of one device: who holds its memory, what is free, what the driver keeps."""

from dataclasses import dataclass
from typing import Final

from exporter.page.markup import NOTHING, Markup, joined, tag
from shared.node_report import GpuReport
from shared.units import gib

_COLOURS: Final = 6  # classes m0 … m5 of the style sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of the bar. `kind` is its class in the style sheet."""

    kind: str
    label: str
    size_bytes: int


def segments(gpu: GpuReport) -> tuple[Segment, ...]:
    """The parts of a device's memory from left to right, as far as they are known."""
    memory = gpu.memory
    if memory is None:
        return ()
    parts = [
        Segment(
            kind=f"m{number % _COLOURS}", label=f"{model.model} {model.quantization}".strip(), size_bytes=size
        )
        for number, model in enumerate(gpu.loaded_models)
        if (size := model.memory_used_bytes)
    ]
    used = memory.used_bytes
    other = gpu.unattributed_bytes
    if other is None:
        other = max(0, (used or 0) - sum(part.size_bytes for part in parts))
    if other:
        parts.append(Segment(kind="other", label="other use" if parts else "in use", size_bytes=other))
    parts.append(Segment(kind="free", label="free", size_bytes=memory.free_bytes))
    if memory.reserved_bytes:
        parts.append(Segment(kind="reserved", label="kept by the driver", size_bytes=memory.reserved_bytes))
    return tuple(parts)


def bar(gpu: GpuReport) -> Markup:
    """The bar with its legend; nothing where the memory is not known."""
    legend = [
        tag("li", tag("span", class_=f"swatch {part.kind}"), f"{part.label} ", tag("b", gib(part.size_bytes)))
        for part in segments(gpu)
    ]
    return joined([strip(gpu), tag("ul", *legend, class_="legend")]) if legend else NOTHING


def strip(gpu: GpuReport) -> Markup:
    """The bar alone; it speaks for itself to a screen reader."""
    memory, parts = gpu.memory, segments(gpu)
    if memory is None:
        return NOTHING
    drawn: list[Markup] = []
    start = 0.0
    for part in parts:
        width = 100 * part.size_bytes / memory.total_bytes
        drawn.append(
            tag(
                "rect",
                tag("title", f"{part.label}: {gib(part.size_bytes)}"),
                class_=part.kind,
                x=f"{start:.3f}%",
                width=f"{max(0.0, min(width, 100 - start)):.3f}%",
                height="100%",
            )
        )
        start += width
    spoken = ", ".join(f"{part.label} {gib(part.size_bytes)}" for part in parts)
    label = f"{gib(memory.total_bytes)} in all: {spoken}"
    return tag("svg", *drawn, class_="bar", role="img", aria_label=label)
