"""Where the bytes go, as bars that any client can show."""

from typing import Final

from bot.messages.parts import parts_of
from bot.messages.words import fullest
from shared.memory.breakdown import DeviceMemory
from shared.planner.plan import Option
from shared.units import gib

_WIDTH: Final = 22  # a phone shows about 40 monospaced characters in a line
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


def breakdown_lines(option: Option) -> str:
    """A bar per part of the fullest GPU, all to the scale of the larger of need and capacity."""
    estimate = option.estimate
    if not estimate.capacity_bytes:
        return "\n".join(_bars(estimate.breakdown.host, estimate.breakdown.host.total_bytes))
    needed, capacity = fullest(option)
    device = max(estimate.breakdown.per_gpu, key=lambda one: one.total_bytes)
    scale = max(needed, capacity)
    lines = _bars(device, scale)
    lines += ["", _line("needed", needed, scale), _line("GPU has", capacity, scale)]
    if estimate.breakdown.host.total_bytes and estimate.workload.gpu_layers is not None:
        lines.append(f"and {gib(estimate.breakdown.host.total_bytes)} of host memory")
    return "\n".join(lines)


def breakdown_words(option: Option) -> str:
    """The same in a line, for below or beside a chart that shows no numbers."""
    device = max(option.estimate.breakdown.per_gpu, key=lambda one: one.total_bytes)
    said = [f"{name} {gib(size)}" for name, size in parts_of(device).items()]
    host = option.estimate.breakdown.host.total_bytes
    if host and option.estimate.workload.gpu_layers is not None:
        said.append(f"and {gib(host)} of host memory")
    return " · ".join(said)


def balance(option: Option) -> str:
    """What is missing or stays free on the fullest GPU, with the error bar."""
    estimate = option.estimate
    if not estimate.capacity_bytes:
        return "runs on the CPU alone"
    margin = f" (± {gib(estimate.uncertainty_bytes)})" if estimate.uncertainty_bytes else ""
    where = "" if option.gpu_count == 1 else " on the fullest GPU"
    if estimate.slack_bytes < 0:
        return f"{gib(-estimate.slack_bytes)} too little{where}{margin}"
    return f"{gib(estimate.slack_bytes)} to spare{where}{margin}"


def _bars(device: DeviceMemory, scale: int) -> list[str]:
    return [_line(name, size, scale) for name, size in parts_of(device).items()]


def _line(name: str, size: int, scale: int) -> str:
    eighths = max(1, round(_WIDTH * 8 * size / scale)) if scale else 0
    bar = "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
    return f"{name:<9}{gib(size):>10} {bar}"
