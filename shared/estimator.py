"""The estimator: a workload on GPUs -> where every byte goes, and whether it fits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.engines import ENGINES
from shared.engines.engine import EngineModule, FreeMemory
from shared.errors import UnknownName
from shared.memory.breakdown import Breakdown, ServerCapacity, Verdict
from shared.memory.workload import Workload
from shared.units import gib


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A breakdown held against the GPUs it was made for.

    Attributes:
        capacity_bytes: Per GPU, what may be allocated: the CUDA total of an empty GPU, or the live free bytes.
        slack_bytes: What stays free on the fullest GPU; negative is what is missing.
        uncertainty_bytes: Half-width of the 95 % interval of `slack_bytes`.
    """

    workload: Workload
    gpus: tuple[Gpu, ...]
    breakdown: Breakdown
    capacity_bytes: tuple[int, ...]
    slack_bytes: int
    uncertainty_bytes: int
    verdict: Verdict


def estimate(
    workload: Workload, gpus: Sequence[Gpu], catalog: Catalog, *, free_bytes: Sequence[int] | None = None
) -> Estimate:
    """Estimate `workload` on `gpus` (one entry per GPU; none means host memory only).

    Args:
        workload: What is to be run.
        gpus: The GPUs in the engine's order.
        catalog: The facts; only the engine's row is read.
        free_bytes: What is free on each GPU now; left out, the GPUs are empty.

    Raises:
        UnknownName: No such engine.
        Refused: The engine itself refuses the combination.
        Unsupported: We have no rule for this engine and model.
    """
    module = _module(workload.engine)
    found = as_found(workload.engine, gpus, free_bytes)
    breakdown = module.memory(workload, found, catalog.engines[workload.engine])
    return hold(workload, gpus, breakdown, free_bytes=free_bytes)


def _module(engine: str) -> EngineModule:
    module = ENGINES.get(engine)
    if module is None:
        raise UnknownName("engine", engine, near=tuple(ENGINES))
    return module


def as_found(engine: str, gpus: Sequence[Gpu], free_bytes: Sequence[int] | None) -> Sequence[Gpu]:
    """The GPUs as this engine finds them where others already take some of their memory (`FreeMemory`).

    Raises:
        UnknownName: No such engine.
    """
    if free_bytes is None or not any(free_bytes) or _module(engine).FREE_MEMORY is FreeMemory.IGNORED:
        return gpus
    return tuple(
        gpu if free >= gpu.memory_usable_bytes else replace(gpu, memory_usable_bytes=max(0, free))
        for gpu, free in zip(gpus, free_bytes, strict=True)
    )


def as_now(empty: Estimate, catalog: Catalog, free_bytes: Sequence[int]) -> Estimate:
    """An estimate that was made on empty GPUs, on the same GPUs with this much free now.

    Cheap enough for every look: only where the engine itself would act on what is free is it estimated anew.

    Raises:
        UserError: As `estimate` does.
    """
    if _acts_on_free(empty, free_bytes):
        return estimate(empty.workload, empty.gpus, catalog, free_bytes=free_bytes)
    return hold(empty.workload, empty.gpus, empty.breakdown, free_bytes=free_bytes)


def _acts_on_free(empty: Estimate, free_bytes: Sequence[int]) -> bool:
    """Whether what is free moves bytes: by shares, only where a GPU's free share is not the first one's."""
    match _module(empty.workload.engine).FREE_MEMORY:
        case FreeMemory.IGNORED:
            return False
        case FreeMemory.SHARES:
            first, usable = free_bytes[0], empty.gpus[0].memory_usable_bytes
            pairs = zip(free_bytes, empty.gpus, strict=True)
            return any(free * usable != first * gpu.memory_usable_bytes for free, gpu in pairs)
        case FreeMemory.LAYERS | FreeMemory.BUDGET:
            return True


def hold(
    workload: Workload, gpus: Sequence[Gpu], breakdown: Breakdown, *, free_bytes: Sequence[int] | None = None
) -> Estimate:
    """Hold a breakdown that `estimate` made against the same GPUs, whose layout does not follow from what is free."""
    capacity = tuple(free_bytes) if free_bytes is not None else tuple(gpu.memory_usable_bytes for gpu in gpus)
    slack, uncertainty = _fullest(breakdown, gpus, capacity)
    if free_bytes is not None and (sentence := cannot_start(breakdown, gpus, capacity)):
        breakdown = replace(breakdown, warnings=(sentence, *breakdown.warnings))
    return Estimate(
        workload=workload,
        gpus=tuple(gpus),
        breakdown=breakdown,
        capacity_bytes=capacity,
        slack_bytes=slack,
        uncertainty_bytes=uncertainty,
        verdict=verdict(slack, uncertainty) if capacity else Verdict.UNKNOWN,
    )


def verdict(slack_bytes: int, uncertainty_bytes: int) -> Verdict:
    """Fits at the upper bound, tight when the interval straddles the capacity."""
    if slack_bytes >= uncertainty_bytes:
        return Verdict.FITS
    if slack_bytes >= -uncertainty_bytes:
        return Verdict.TIGHT
    return Verdict.DOES_NOT_FIT


def _shared_with_host(
    breakdown: Breakdown, gpus: Sequence[Gpu], capacity_bytes: Sequence[int]
) -> list[tuple[int, int]]:
    """Room where GPU and host have one memory: what lies on the host takes of the same bytes.

    NVIDIA's share all that can be allocated; Apple's and AMD's GPUs may only take a part of the memory, the host
    all of the rest.
    """
    host = breakdown.host.total_bytes
    if not host or len(gpus) != 1 or not gpus[0].unified_memory:
        return []
    gpu, device = gpus[0], breakdown.per_gpu[0]
    both = capacity_bytes[0]
    if gpu.vendor != "nvidia":
        both += gpu.memory_total_bytes - gpu.memory_usable_bytes
    return [(both - device.total_bytes - host, device.uncertainty_bytes)]


def _fullest(breakdown: Breakdown, gpus: Sequence[Gpu], capacity_bytes: Sequence[int]) -> tuple[int, int]:
    """Slack and uncertainty of the GPU with the least room."""
    server = breakdown.server
    rooms = []
    for device, capacity in zip(breakdown.per_gpu, capacity_bytes, strict=True):
        room = capacity - device.total_bytes
        if server is not None:  # a reserving engine is bound by its budget before the card is full
            room = min(room, server.kv_pool_bytes - device.kv_cache_bytes)
        rooms.append((room, device.uncertainty_bytes))
    rooms += _shared_with_host(breakdown, gpus, capacity_bytes)
    if server is not None and server.free_at_start_bytes:
        margin = server.free_at_start_uncertainty_bytes
        starts = [free - need for need, free in zip(server.free_at_start_bytes, capacity_bytes, strict=True)]
        rooms += [
            (room, margin) for room in starts if room < margin
        ]  # what is to spare there is no room to use
    return min(rooms, key=lambda room: room[0] - room[1], default=(0, 0))


def cannot_start(breakdown: Breakdown, gpus: Sequence[Gpu], free_bytes: Sequence[int]) -> str:
    """The sentence on an engine that stops because its whole budget is not free now, or nothing."""
    server = breakdown.server
    if server is None or not server.free_at_start_bytes:
        return ""
    pairs = zip(server.free_at_start_bytes, free_bytes, strict=True)
    needed, free = max(pairs, key=lambda pair: pair[0] - pair[1])
    if needed <= free:
        return ""
    return (
        f"{breakdown.engine} will not start: it takes {gib(needed)} to be free on each GPU before it loads anything, "
        f"and {gib(free)} are{_smaller_share(breakdown, server, gpus, free_bytes)}."
    )


def _smaller_share(
    breakdown: Breakdown, server: ServerCapacity, gpus: Sequence[Gpu], free_bytes: Sequence[int]
) -> str:
    """The largest utilization, to two decimals, whose budget is surely free on every GPU that is used."""
    steps = 100
    for device, gpu, free, needed in zip(
        breakdown.per_gpu, gpus, free_bytes, server.free_at_start_bytes, strict=True
    ):
        if needed:
            outside = device.overhead_bytes - device.non_torch_bytes + server.free_at_start_uncertainty_bytes
            steps = min(steps, 100 * (free - outside) // gpu.memory_usable_bytes)
    return f"; --gpu-memory-utilization {steps / 100:g} would start" if steps > 0 else ""
