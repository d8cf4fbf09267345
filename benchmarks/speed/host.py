"""How fast llama.cpp reads weights that stay in host memory, from published runs with part of a model offloaded."""

import json
import statistics
from dataclasses import dataclass

from benchmarks.speed.measurements import DATA


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSpeed:
    """Share of the host's peak bandwidth that an offloaded part reaches, its spread, and the runs behind it."""

    efficiency: float
    low: float
    high: float
    sources: tuple[str, ...]


def host_rows(gpu_efficiency: float, seconds_per_layer: float) -> HostSpeed:
    """What is left of the time per token after the GPU's part, per byte the host read."""
    shares, sources = [], []
    for line in (DATA / "offload_speeds.jsonl").read_text().splitlines():
        run = json.loads(line)
        gpu_seconds = 0.0
        if run["gpu"]:
            gpu_seconds = run["gpu_read_gb"] / run["peak_bandwidth_gb_s"] / gpu_efficiency
            gpu_seconds += run["layers"] * seconds_per_layer
        host_seconds = 1 / run["tokens_per_s"] - gpu_seconds
        shares.append(run["host_read_gb"] / run["host_bandwidth_gb_s"] / host_seconds)
        sources.append(run["source"])
    middle = statistics.median(shares)
    print("     host share of peak:", ", ".join(f"{share:.2f}" for share in shares), f"-> {middle:.2f}")
    return HostSpeed(
        efficiency=middle,
        low=min(shares) / middle,
        high=max(shares) / middle,
        sources=tuple(dict.fromkeys(sources)),
    )
