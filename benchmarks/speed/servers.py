"""Published single-stream runs of the servers: too few to fit, enough to hold the constants that stand in against.

No run here was seen by a fit: the constants are gpt-fast's and llama.cpp's. What tensor parallel over PCIe takes is the
one number taken from them, and the runs it is taken from are not counted among those it is held against.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.speed.measurements import Measurement

Seconds = Callable[[Measurement], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """How the runs came out: measured over predicted speed per memory class, and seconds of a hop over PCIe."""

    ratios: dict[str, tuple[float, ...]]
    pcie_hop_seconds: float
    pcie_runs: int

    def words(self, memory_class: str) -> str:
        """What the constants' source says of them."""
        of_class = self.ratios.get(memory_class, ())
        if not of_class:
            return ""
        if len(of_class) == 1:
            return f"; one published vLLM run came out at {of_class[0]:.2f} of it"
        return f"; {len(of_class)} published vLLM runs came out at {min(of_class):.2f} to {max(of_class):.2f} of it"


def held_against(runs: Sequence[Measurement], predicted: Mapping[str, Seconds]) -> Servers:
    """The runs of servers, each against the constants that stand in for its memory class."""
    ratios: dict[str, list[float]] = {}
    hops = []
    for run in runs:
        seconds = predicted[run.memory_class](run)
        if run.over_pcie:
            hops.append((run.seconds - seconds) / (run.layers * 4 * (run.gpu_count - 1)))
        else:
            ratios.setdefault(run.memory_class, []).append(seconds / run.seconds)
    return Servers(
        ratios={name: tuple(found) for name, found in ratios.items()},
        pcie_hop_seconds=max(0.0, statistics.median(hops)) if hops else 0.0,
        pcie_runs=len(hops),
    )
