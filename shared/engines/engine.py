"""What every engine module offers, and what it is told about the hardware."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.catalog.rows import Engine, Gpu
from shared.memory.breakdown import Breakdown
from shared.memory.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A command to paste: `argv` as a shell would split it, `files` to pull first, notes on licence or limits."""

    argv: tuple[str, ...]
    notes: tuple[str, ...] = ()


class EngineModule(Protocol):
    """The functions each engine's package exports; all pure."""

    def memory(self, workload: Workload, gpus: Sequence[Gpu], facts: Engine) -> Breakdown:
        """Where every byte goes on these GPUs.

        Raises Refused where the engine itself would, Unsupported where we have no rule.
        """

    def launch(self, workload: Workload, gpus: Sequence[Gpu]) -> Launch:
        """The command that runs this workload."""
