"""What stays the same of a fleet between two looks: the GPUs of each node, their names and sizes; pure."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from bot.prometheus_query import Labels, Series
from shared import metric_names as names

MOST_GPUS: Final = 20_000

# What names the node, best first: labels a relabelling adds, then the scrape target itself.
NODE_LABELS: Final = ("node", "nodename", "kubernetes_node", "instance")
BY_GPU: Final = "instance, uuid"
_NAMED: Final = ", ".join(
    dict.fromkeys((*NODE_LABELS, "instance", "uuid", "index", "name", "gpu", "mig_profile", "parent_uuid"))
)

# Each query asks for the labels that are read here: thousands of GPUs times labels that nobody reads is megabytes.
QUERIES: Final = {
    "info": f"max by ({_NAMED}) ({names.GPU_INFO.name})",
    "total": f"max by ({BY_GPU}) ({names.GPU_MEMORY_TOTAL.name})",
    "simulated": f"{names.SIMULATED.name} == 1",
}

Key = tuple[str, str]
"""A GPU among all that are scraped: its exporter's address and its uuid, which may be there twice for a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A GPU, or a MIG instance, that can hold a model."""

    key: Key
    uuid: str
    index: str
    product: str
    gpu_id: str | None
    total_bytes: int | None
    mig_profile: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """All of them by node, in the order of names and indexes, as they were at `read_at` (a monotonic clock).

    Attributes:
        parents: GPUs cut by MIG; they hold no model themselves.
        measured: Those whose state was known then.
        strange: Those with a state and no name.
    """

    by_node: tuple[tuple[str, tuple[Device, ...]], ...]
    simulated: frozenset[str]
    count: int
    read_at: float
    parents: frozenset[Key]
    measured: frozenset[Key]
    strange: frozenset[Key]

    def are_still(self, seen: AbstractSet[Key]) -> bool:
        """Whether GPUs with these keys are the same ones: none has come, none has gone."""
        return seen - self.strange - self.parents == self.measured


def devices(
    info: list[Series], total: list[Series], simulated: list[Series], seen: AbstractSet[Key], read_at: float
) -> Devices:
    """The devices of these series; `seen` are the keys of all whose state was read before them."""
    sizes = {key_of(series.metric): series.whole for series in total}
    parents = frozenset(
        (one.metric.get("instance", ""), parent) for one in info if (parent := one.metric.get("parent_uuid"))
    )
    by_node: dict[str, list[Device]] = {}
    known: set[Key] = set()
    for series in info[:MOST_GPUS]:
        device = _device(series.metric, sizes)
        known.add(device.key)
        if device.key not in parents:
            by_node.setdefault(node_name(series.metric), []).append(device)
    return Devices(
        by_node=tuple((name, tuple(sorted(by_node[name], key=_order))) for name in sorted(by_node)),
        simulated=frozenset(node_name(series.metric) for series in simulated),
        count=len(info),
        read_at=read_at,
        parents=parents,
        measured=frozenset((known - parents) & seen),
        strange=frozenset(seen - known),
    )


def _device(labels: Labels, sizes: dict[Key, int | None]) -> Device:
    key = key_of(labels)
    return Device(
        key=key,
        uuid=key[1],
        index=labels.get("index", ""),
        product=labels.get("name", ""),
        gpu_id=labels.get("gpu") or None,
        total_bytes=sizes.get(key),
        mig_profile=labels.get("mig_profile") or None,
    )


def _order(device: Device) -> tuple[tuple[int, str], ...]:
    """By index as a number: GPU 10 after GPU 9."""
    return tuple((len(part), part) for part in device.index.split(":"))


def key_of(labels: Labels) -> Key:
    """Which GPU a series is about."""
    return labels.get("instance", ""), labels.get("uuid", "")


def node_name(labels: Labels) -> str:
    """Which node a series is about."""
    name = next((labels[label] for label in NODE_LABELS if labels.get(label)), "unnamed node")
    host, _, port = name.rpartition(":")
    return host if host and port == "9835" else name


def left_out(count: int) -> Iterable[str]:
    """A sentence when there are more GPUs than we read."""
    if count > MOST_GPUS:
        yield f"only the first {MOST_GPUS:,} of {count:,} GPUs were read"
