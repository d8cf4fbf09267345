"""All devices in a few lines: which is full, which is free, which wants looking at."""

from collections.abc import Sequence

from exporter.page.bar import strip
from exporter.page.card import NEAR_LIMIT_RATIO
from exporter.page.markup import NOTHING, Markup, tag
from shared.node_report import GpuReport
from shared.units import gib


def overview(gpus: Sequence[GpuReport]) -> Markup:
    """One line per device, leading to its card."""
    lines = [_line(gpu) for gpu in gpus if not gpu.mig_enabled]
    return tag("nav", tag("ul", *lines), class_="overview card", aria_label="GPUs at a glance")


def _line(gpu: GpuReport) -> Markup:
    name = f"{'MIG' if gpu.parent_uuid else 'GPU'} {gpu.index}"
    free = f"{gib(gpu.memory.free_bytes)} free" if gpu.memory else ("no reading" if gpu.up else "down")
    return tag(
        "li",
        tag("a", name, href=f"#gpu-{gpu.uuid}"),
        strip(gpu) or tag("span"),
        tag("span", free, class_="n" if gpu.up else "n late"),
        _who(gpu),
    )


def _who(gpu: GpuReport) -> Markup:
    """The models there, the one nearest its limit marked."""
    if not gpu.loaded_models:
        return NOTHING
    near = [model for model in gpu.loaded_models if (model.limit_ratio or 0) >= NEAR_LIMIT_RATIO]
    names = ", ".join(model.model for model in gpu.loaded_models)
    mark = tag("span", f"{near[0].limit_ratio:.0%} full", class_="limit near") if near else NOTHING
    return tag("span", names, mark, class_="who")
