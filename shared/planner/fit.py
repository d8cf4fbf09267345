"""Does it fit: an estimate of one case, or the engine's reason for refusing it."""

from dataclasses import replace
from math import ceil
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Quantization
from shared.inverse.attempt import Attempt, attempt
from shared.planner.case import Case
from shared.planner.workloads import layouts, workload

# vLLM's default leaves 8 percent of the card unused; above this share other processes and fragmentation bite.
HIGHEST_UTILIZATION: Final = 0.95


def attempt_case(
    case: Case,
    quantization: Quantization,
    engine: str,
    catalog: Catalog,
    *,
    context_tokens: int | None = None,
    kv_cache_type: str | None = None,
    literally: bool = False,
) -> Attempt:
    """The case at this quantization in the first layout the engine accepts.

    `literally` leaves every setting of the engine at its default.
    """
    base = workload(case, quantization, engine, context_tokens=context_tokens, kv_cache_type=kv_cache_type)
    refused = Attempt(None, "")
    for load in layouts(base, len(case.gpus), case.tensor_parallel):
        tried = attempt(load, case.gpus, catalog)
        if tried.estimate is not None:
            return tried if literally else _with_other_utilization(tried, catalog)
        refused = refused if refused.reason else tried
    return refused


def _with_other_utilization(tried: Attempt, catalog: Catalog) -> Attempt:
    """The same with another share of vLLM's, where that makes it fit.

    Either what people raise it to before they buy a card, or less than the default, where the default's whole budget
    may not be free when vLLM starts.
    """
    found = tried.estimate
    if found is None or tried.fits or found.workload.engine != "vllm" or found.breakdown.server is None:
        return tried
    smallest = found.breakdown.server.smallest_utilization
    if smallest is None or smallest > HIGHEST_UTILIZATION or found.workload.gpu_memory_utilization:
        return tried
    off = max(device.uncertainty_bytes for device in found.breakdown.per_gpu)
    enough = smallest + off / min(gpu.memory_usable_bytes for gpu in found.gpus)
    for share in (HIGHEST_UTILIZATION, min(HIGHEST_UTILIZATION, ceil(enough * 100) / 100)):
        changed = replace(found.workload, gpu_memory_utilization=share)
        again = attempt(changed, found.gpus, catalog)
        if again.fits:
            return again
    return tried
