"""Bars of memory against a capacity: one cell is a share of whichever is larger, the capacity or the need."""

from typing import Final

from rich.text import Text

from bot.messages.words import BREAKS, LOSES
from shared.memory.breakdown import Breakdown, DeviceMemory, Verdict

PARTS: Final = (  # what a device holds, in the order of the bar, with its colour
    ("weights", "weights_bytes", "blue"),
    ("KV cache", "kv_cache_bytes", "magenta"),
    ("state", "recurrent_state_bytes", "bright_magenta"),
    ("compute", "compute_bytes", "yellow"),
    ("overhead", "overhead_bytes", "bright_black"),
)
VERDICT_STYLE: Final = {
    Verdict.FITS: ("✓", "green"),
    Verdict.TIGHT: ("~", "yellow"),
    Verdict.DOES_NOT_FIT: ("✗", "red"),
    Verdict.UNKNOWN: ("?", "bright_black"),
}
COST_STYLE: Final = {BREAKS: "red", LOSES: "yellow"}  # of what fits at a cost in quality


def fullest(breakdown: Breakdown) -> DeviceMemory | None:
    """The device that holds most."""
    return max(breakdown.per_gpu, key=lambda device: device.total_bytes, default=None)


def bar(device: DeviceMemory, capacity_bytes: int, width: int = 32) -> Text:
    """The device's parts in colour, what is free in dots, and a line where the capacity ends."""
    scale = max(capacity_bytes, device.total_bytes, 1)
    capacity_at = min(width, round(width * capacity_bytes / scale))
    cells: list[tuple[str, str]] = []
    held = 0
    for _, field, colour in PARTS:
        held += getattr(device, field)
        upto = round(width * held / scale)
        cells += [("█", colour)] * (upto - len(cells))
    cells += [("·", "bright_black")] * (width - len(cells))
    drawn = Text()
    for place, (sign, colour) in enumerate(cells):
        if place == capacity_at:
            drawn.append("│", "bold white")
        over = place >= capacity_at and sign == "█"
        drawn.append("▒" if over else sign, "red" if over else colour)
    if capacity_at >= len(cells):
        drawn.append("│", "bold white")
    return drawn


def legend(device: DeviceMemory) -> Text:
    """The colours of the parts that are there."""
    words = Text()
    for name, field, colour in PARTS:
        if getattr(device, field):
            words.append("█ ", colour)
            words.append(f"{name}  ", "bright_black")
    return words
