"""The frozen Fleet: what our GPUs looked like at the last look, and how old that look is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

STALE_AFTER_SECONDS: Final = 120.0


class FleetUnavailable(Exception):
    """No look at the fleet could be had; `reason` is one sentence for a person. Never an empty Fleet instead."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model running on a GPU: `model` is a catalog id where the node recognized it. None is "cannot tell"."""

    model: str
    engine: str
    quantization: str
    used_bytes: int | None = None
    limit_ratio: float | None = None  # how near it is to what binds it, 0 to 1
    workload: str | None = None  # "namespace/pod" in Kubernetes


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetGpu:
    """One GPU, or one MIG instance, of a node.

    Attributes:
        gpu_id: The catalog row the node recognized it as; None when it did not say.
        index: "0"; a MIG instance "0:1"; empty when not known.
        product: Its name as NVML prints it.
        free_bytes: None when it could not be read; that is not the same as none free.
        problem: Why it could not be read; None when it was.
    """

    uuid: str
    index: str
    product: str
    gpu_id: str | None = None
    total_bytes: int | None = None
    free_bytes: int | None = None
    mig_profile: str | None = None
    loaded: tuple[LoadedModel, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetNode:
    """One node. `age_seconds` is how old its reading is; `simulated` nodes are not hardware and say so."""

    name: str
    gpus: tuple[FleetGpu, ...]
    age_seconds: float
    simulated: bool = False
    stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """One look at all nodes.

    Attributes:
        source: Where it was read, for a person: "Prometheus" or "the exporters".
        models: Whether it was asked what runs on the GPUs; False leaves every `loaded` empty.
        problems: One sentence per exporter or query that did not answer; the rest of the fleet is still here.
        left_out: Nodes beyond the size we read.
    """

    nodes: tuple[FleetNode, ...] = field(repr=False)  # asyncio prints what a task returned: thousands of GPUs
    source: str
    problems: tuple[str, ...] = ()
    left_out: int = 0
    models: bool = True

    @property
    def simulated(self) -> bool:
        """Whether any node is simulated."""
        return any(node.simulated for node in self.nodes)

    @property
    def age_seconds(self) -> float:
        """The age of the oldest reading that is not stale (of the oldest of all when every one is)."""
        fresh = [node.age_seconds for node in self.nodes if not node.stale]
        return max(fresh or [node.age_seconds for node in self.nodes], default=0.0)

    def gpus(self) -> Iterator[tuple[FleetNode, FleetGpu]]:
        """Every GPU with its node."""
        for node in self.nodes:
            for gpu in node.gpus:
                yield node, gpu


LiveFleet = Fleet | FleetUnavailable | None
"""What an answer is given: a look, the reason there is none, or None when no source is configured."""
