"""The parallel sizes of one estimate, and how many GPUs they take."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.terminal.fields import switch, whole
from shared.errors import BadValue
from shared.planner.case import MOST_GPUS


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Parallel sizes as asked; None where nothing was. With `attention` the copies share tensor parallel's GPUs."""

    tensor: int | None
    pipeline: int | None
    data: int | None
    attention: bool

    @property
    def gpus(self) -> int:
        """GPUs they take."""
        copies = 1 if self.attention else self.data or 1
        return max((self.tensor or 1) * (self.pipeline or 1) * copies, self.data or 1)

    @property
    def words(self) -> str:
        """The same as a sentence's part."""
        copies = f" times data parallel {self.data}" if (self.data or 1) > 1 and not self.attention else ""
        return (
            f"tensor parallel {self.tensor or 1} times pipeline parallel {self.pipeline or 1}{copies} "
            f"is {self.gpus} GPUs"
        )

    def tensor_of(self, gpus: int) -> int:
        """Tensor parallel that uses all of these GPUs."""
        copies = 1 if self.attention else self.data or 1
        return max(1, gpus // ((self.pipeline or 1) * copies))


def parallel_of(given: Mapping[str, Any]) -> Sizes:
    """The sizes asked for.

    Raises:
        BadValue: A size that cannot be, or attention's copies without a number of them.
    """
    data = whole(given, "data_parallel", 1, MOST_GPUS)
    attention = bool(switch(given, "data_parallel_attention"))
    if attention and data is None:
        raise BadValue("data_parallel_attention", True, "say how many groups: --data-parallel 8")
    return Sizes(
        tensor=whole(given, "tensor_parallel", 1, MOST_GPUS),
        pipeline=whole(given, "pipeline_parallel", 1, MOST_GPUS),
        data=data,
        attention=attention,
    )


def expert_parallel_of(given: Mapping[str, Any], sizes: Sizes, gpus: int, engine: str) -> int | None:
    """Ranks that whole experts are divided over: a number, or "all" of a server's.

    Raises:
        BadValue: Neither.
    """
    value = given.get("expert_parallel")
    if value is None or value is False:
        return None
    if value is True or str(value).lower() in ("all", "on", "true"):
        tensor = sizes.tensor or sizes.tensor_of(gpus)
        copies = 1 if sizes.attention or engine == "sglang" else sizes.data or 1
        return tensor * copies
    return whole(given, "expert_parallel", 1, MOST_GPUS)
