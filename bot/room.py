"""Where an option could run right now: GPUs of one node and one kind that have the room together."""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.fleet import Fleet, FleetGpu, FleetNode
from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.engines import ENGINES
from shared.errors import UserError
from shared.estimator import estimate
from shared.memory.breakdown import Verdict
from shared.memory.workload import Workload
from shared.planner.alternatives import slice_of
from shared.planner.plan import Option
from shared.units import MIB

MOST_ROOMS: Final = 5
START_MARGIN_BYTES: Final = 512 * MIB  # what the engine itself takes before it looks how much is free


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """GPUs of one node that one engine could use together for an option, held against what is free on them.

    `spare_bytes` is what stays free on the fullest of them; `as_named` says they are the kind the option names.
    `utilization` is the share of the GPU that vLLM must be given, where its usual one is not free.
    """

    node: FleetNode
    gpus: tuple[FleetGpu, ...]
    gpu: Gpu
    as_named: bool
    spare_bytes: int
    utilization: float | None = None

    @property
    def free_bytes(self) -> int:
        """What is free on the fullest of the GPUs."""
        return min(gpu.free_bytes or 0 for gpu in self.gpus)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """Every place an option could go. `more` counts rooms beyond those listed; `unknown_gpus` could not be judged."""

    rooms: tuple[Room, ...]
    more: int = 0
    unknown_gpus: int = 0
    stale_nodes: int = 0


def where_fits(option: Option, fleet: Fleet, catalog: Catalog) -> Rooms:
    """Where `option` fits the memory free now, the named kind of GPU first, then the most that is free.

    Nodes whose reading is stale are not offered: old numbers do not dress up as new ones.
    """
    found: list[Room] = []
    count = 0
    groups = _groups(fleet, option.gpu_count, catalog)
    unknown = sum(len(gpus) for _, gpus in groups.pop(None, []))
    for kind, of_kind in groups.items():
        if kind is None:
            continue
        rooms, how_many = _rooms_of(option, kind, of_kind, catalog)
        found += rooms
        count += how_many
    found.sort(key=lambda room: (not room.as_named, -room.free_bytes, room.node.name))
    return Rooms(
        rooms=tuple(found[:MOST_ROOMS]),
        more=max(0, count - MOST_ROOMS),
        unknown_gpus=unknown,
        stale_nodes=sum(node.stale for node in fleet.nodes),
    )


def recognize(catalog: Catalog) -> Mapping[str, tuple[Gpu, ...]]:
    """NVML product name -> the rows that carry it (one name can be sold with two sizes of memory)."""
    by_name: dict[str, tuple[Gpu, ...]] = {}
    for gpu in catalog.gpus.values():
        for name in gpu.nvml_names:
            by_name[name] = (*by_name.get(name, ()), gpu)
    return by_name


def row_of(seen: FleetGpu, by_name: Mapping[str, tuple[Gpu, ...]], catalog: Catalog) -> str | None:
    """The catalog id of a GPU that was seen: what its node said, else by product name and the nearest size."""
    if seen.mig_profile:
        return None  # a slice is not the whole card
    if seen.gpu_id in catalog.gpus:
        return seen.gpu_id
    rows = by_name.get(seen.product, ())
    if not rows:
        return None
    return min(rows, key=lambda row: abs(row.memory_total_bytes - (seen.total_bytes or 0))).id


def kind_of(seen: FleetGpu, by_name: Mapping[str, tuple[Gpu, ...]], catalog: Catalog) -> Gpu | None:
    """What kind of GPU was seen: a catalog row, or of a MIG instance its row's slice; None for one we do not know."""
    if not seen.mig_profile:
        row = row_of(seen, by_name, catalog)
        return catalog.gpus[row] if row else None
    card = seen.product.partition(" MIG ")[0]
    known = catalog.gpus.get(seen.gpu_id or "")
    rows = (known,) if known else by_name.get(card, ())
    return next(
        (
            slice_of(row, profile)
            for row in rows
            for profile in row.mig_profiles
            if profile.name == seen.mig_profile
        ),
        None,
    )


Group = tuple[FleetNode, tuple[FleetGpu, ...]]


def _groups(fleet: Fleet, count: int, catalog: Catalog) -> dict[Gpu | None, list[Group]]:
    """Per kind of GPU, the emptiest `count` of them on each node; under None those we have no row for.

    MIG instances are places for one: an engine cannot use two of them together.
    """
    by_name = recognize(catalog)
    groups: dict[Gpu | None, list[Group]] = {}
    for node in fleet.nodes:
        if node.stale:
            continue
        kinds: dict[Gpu | None, list[FleetGpu]] = {}
        for gpu in node.gpus:
            if gpu.free_bytes is not None and (count == 1 or not gpu.mig_profile):
                kinds.setdefault(kind_of(gpu, by_name, catalog), []).append(gpu)
        for kind, gpus in kinds.items():
            gpus.sort(key=lambda gpu: -(gpu.free_bytes or 0))
            if kind is None:
                groups.setdefault(None, []).append((node, tuple(gpus)))
            elif len(gpus) >= count:
                groups.setdefault(kind, []).append((node, tuple(gpus[:count])))
    return groups


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hold:
    """An option held against a group's free memory: what stays free, and the utilization it takes for that."""

    spare_bytes: int
    utilization: float | None = None


def _rooms_of(option: Option, gpu: Gpu, groups: Sequence[Group], catalog: Catalog) -> tuple[list[Room], int]:
    """The best few groups that have the room, and how many have it.

    Less free memory never fits better, so the boundary among the groups is found by halving: a fleet of thousands
    of nodes costs a dozen estimates. What counts is the fullest GPU, and where layers are spread by what is free on
    each, all of them together; a layer is whole, so there the count of rooms may be off by groups at that edge.
    """
    how_free = sum if ENGINES[option.estimate.workload.engine].FREE_MEMORY.adds_up else min
    ordered = sorted(groups, key=lambda group: how_free(seen.free_bytes or 0 for seen in group[1]))

    def held(group: Group) -> _Hold | None:
        return _held(option.estimate.workload, gpu, [seen.free_bytes or 0 for seen in group[1]], catalog)

    first = bisect_left(ordered, True, key=lambda group: held(group) is not None)
    rooms = [
        Room(
            node=node,
            gpus=gpus,
            gpu=gpu,
            as_named=gpu.id == option.gpu.id,
            spare_bytes=found.spare_bytes,
            utilization=found.utilization,
        )
        for node, gpus in ordered[first:][: -MOST_ROOMS - 1 : -1]
        if (found := held((node, gpus)))
    ]
    return rooms, len(ordered) - first


def _held(workload: Workload, gpu: Gpu, free_bytes: Sequence[int], catalog: Catalog) -> _Hold | None:
    """The workload on GPUs with this much free; None when there is no room.

    vLLM wants its whole share of the GPU to be free before it starts. Beside another process that share must be
    asked smaller, so where the usual one is refused, the largest that is free is tried.
    """
    hold = _tried(workload, gpu, free_bytes, catalog)
    if hold or workload.engine != "vllm" or workload.gpu_memory_utilization is not None:
        return hold
    share = math.floor(100 * (min(free_bytes) - START_MARGIN_BYTES) / gpu.memory_usable_bytes) / 100
    if share <= 0:
        return None
    hold = _tried(replace(workload, gpu_memory_utilization=share), gpu, free_bytes, catalog)
    return replace(hold, utilization=share) if hold else None


def _tried(workload: Workload, gpu: Gpu, free_bytes: Sequence[int], catalog: Catalog) -> _Hold | None:
    try:
        held = estimate(workload, [gpu] * len(free_bytes), catalog, free_bytes=free_bytes)
    except UserError:  # the engine refuses this kind of GPU: it offers no room
        return None
    return _Hold(spare_bytes=held.slack_bytes) if held.verdict is Verdict.FITS else None
