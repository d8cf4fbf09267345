"""MIG slices of a GPU: the one a question names, and the smallest that does."""

from dataclasses import replace

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu, Quantization
from shared.estimator import Estimate
from shared.planner.alternatives import slice_of
from shared.planner.case import Case
from shared.planner.fit import attempt_case
from shared.question.query import Query
from shared.units import GIB, gib


def slice_named(query: Query) -> Gpu | None:
    """The slice or virtual GPU a question names beside its card, as a GPU of its own; None for a whole card."""
    gpu, size = query.gpu, query.gpu_memory_bytes
    if gpu is None or size is None:
        return None
    profile = next((one for one in gpu.mig_profiles if one.memory_bytes == size), None)
    return slice_of(gpu, profile) if profile else _virtual(gpu, size)


def _virtual(gpu: Gpu, size_bytes: int) -> Gpu | None:
    """A virtual GPU with a share of the card's memory, of which the driver keeps what it keeps of the card."""
    if size_bytes >= gpu.memory_total_bytes:
        return None  # a whole card by another name
    return replace(
        gpu,
        id=f"{gpu.id}-virtual-{size_bytes // GIB}gb",
        name=f"{gpu.name} virtual {gib(size_bytes, digits=0)}",
        memory_total_bytes=size_bytes,
        memory_usable_bytes=size_bytes - (gpu.memory_total_bytes - gpu.memory_usable_bytes),
        memory_usable_measured=False,
        mig_profiles=(),
    )


def smallest_slice(case: Case, quantization: Quantization, engine: str, catalog: Catalog) -> Estimate | None:
    """The smallest MIG slice of the asked card that holds the case; None when the card has none or needs no less."""
    if case.gpu_count != 1:
        return None
    for profile in sorted(case.gpu.mig_profiles, key=lambda profile: profile.memory_bytes):
        if profile.count < 2:
            continue
        tried = attempt_case(case.on(slice_of(case.gpu, profile)), quantization, engine, catalog)
        if tried.fits:
            return tried.estimate
    return None
