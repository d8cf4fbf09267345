"""An estimate for a person: a column per GPU, the host beside them, and what the numbers rest on."""

from collections import Counter
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.terminal.bars import PARTS, VERDICT_STYLE, bar, fullest, legend
from shared.estimator import Estimate
from shared.memory.breakdown import DeviceMemory, Verdict
from shared.units import gib, tokens

if TYPE_CHECKING:
    from bot.terminal.request import EstimateRequest

_MOST_COLUMNS = 4
_IN_WEIGHTS = (("adapters", "adapter_bytes"), ("draft", "draft_bytes"), ("towers", "tower_bytes"))


def show_estimate(request: "EstimateRequest", estimate: Estimate, console: Console | None = None) -> None:
    """Print one estimate."""
    screen = console or Console(highlight=False, emoji=False)
    load, breakdown = estimate.workload, estimate.breakdown
    verdict = estimate.verdict if request.capacity_known else Verdict.UNKNOWN
    sign, style = VERDICT_STYLE[verdict]
    counted = Counter(gpu.name for gpu in request.gpus)
    where = ", ".join(f"{count}x {name}" for name, count in counted.items()) or "host memory"
    where = where if request.capacity_known or not request.gpus else "no named GPU"
    title = f"{load.model.name} {load.quantization.name} on {where}, {tokens(load.context_tokens)} context"
    screen.print(
        Text.assemble((f"{sign} {verdict.value.replace('_', ' ')}  ", f"bold {style}"), (title, "bold"))
    )
    device = fullest(breakdown)
    if device is not None and request.capacity_known:
        screen.print(bar(device, min(estimate.capacity_bytes), 48), legend(device))
    screen.print(breakdown_table(estimate))
    if breakdown.server is not None and request.capacity_known:
        server = breakdown.server
        screen.print(
            f"KV cache of {server.kv_pool_tokens:,} tokens: {server.max_concurrency:.1f} full contexts at once."
        )
    for warning in breakdown.warnings:
        screen.print(Text(f"! {warning}", "yellow"))
    said = [*request.assumptions, *breakdown.assumptions, f"Evidence: {breakdown.evidence}."]
    screen.print(Text(f"{load.engine} {breakdown.engine_version}. {' '.join(said)}", "bright_black"))


def breakdown_table(estimate: Estimate) -> Table:
    """Where every byte goes; many equal GPUs are one column."""
    breakdown = estimate.breakdown
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
    table.add_column("", no_wrap=True)
    columns = _columns(estimate)
    for title, _ in columns:
        table.add_column(title, justify="right", no_wrap=True)
    host = breakdown.host if breakdown.host.total_bytes else None
    if host is not None:
        table.add_column("host", justify="right", no_wrap=True)
    devices = [device for _, device in columns] + ([host] if host else [])
    for name, field, _ in PARTS:
        if any(getattr(device, field) for device in devices):
            table.add_row(name, *(gib(getattr(device, field), digits=2) for device in devices))
        if field == "weights_bytes":
            for part, held in _IN_WEIGHTS:
                if any(getattr(device, held) for device in devices):
                    values = (gib(getattr(device, held), digits=2) for device in devices)
                    table.add_row(f"  {part}", *values, style="bright_black")
    table.add_row("total", *(gib(device.total_bytes, digits=2) for device in devices), style="bold")
    if any(device.uncertainty_bytes for device in devices):
        table.add_row(
            "±", *(gib(device.uncertainty_bytes, digits=2) for device in devices), style="bright_black"
        )
    if estimate.capacity_bytes:
        room = [gib(capacity, digits=2) for capacity in estimate.capacity_bytes[: len(columns)]]
        table.add_row("can be had", *room, *(["-"] if host else []))
    return table


def _columns(estimate: Estimate) -> list[tuple[str, DeviceMemory]]:
    per_gpu = estimate.breakdown.per_gpu
    if len(set(per_gpu)) == 1 or len(per_gpu) > _MOST_COLUMNS:
        device = fullest(estimate.breakdown)
        title = (
            "GPU"
            if len(per_gpu) == 1
            else f"each of {len(per_gpu)} GPUs"
            if len(set(per_gpu)) == 1
            else "fullest GPU"
        )
        return [(title, device)] if device is not None else []
    return [(f"GPU {index}", device) for index, device in enumerate(per_gpu)]
