"""Where the bytes go as Slack's own bar chart, which not every workspace and client shows."""

from collections.abc import Mapping
from typing import Any, Final

from bot.messages.message import Block
from bot.messages.mrkdwn import clipped
from bot.messages.parts import parts_of
from bot.messages.words import fullest
from shared.planner.plan import Option
from shared.units import GIB

TITLE_MOST: Final = 50
LABEL_MOST: Final = 20
NEEDED: Final = "needed"
CAPACITY: Final = "GPU has"


def breakdown_chart(option: Option) -> Block | None:
    """A bar per part of the fullest GPU, then what is needed and what the GPU has; None where no GPU is used."""
    estimate = option.estimate
    if not estimate.capacity_bytes:
        return None
    needed, capacity = fullest(option)
    device = max(estimate.breakdown.per_gpu, key=lambda one: one.total_bytes)
    bars = {**parts_of(device), NEEDED: needed, CAPACITY: capacity}
    where = "Memory on the GPU" if option.gpu_count == 1 else "Memory on the fullest GPU"
    return bar_chart(f"{where}, in GiB", bars)


def bar_chart(title: str, bars: Mapping[str, int]) -> Block:
    """Bars of bytes shown in GiB; labels that stay different when they are clipped."""
    points = [
        {"label": clipped(name, LABEL_MOST), "value": round(size / GIB, 1)} for name, size in bars.items()
    ]
    chart: dict[str, Any] = {
        "type": "bar",
        "series": [{"name": "GiB", "data": points}],
        "axis_config": {"categories": [point["label"] for point in points], "y_label": "GiB"},
    }
    return {"type": "data_visualization", "title": clipped(title, TITLE_MOST), "chart": chart}
