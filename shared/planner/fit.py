"""Does it fit: an estimate of one case, or the engine's reason for refusing it."""

from dataclasses import dataclass, replace
from math import ceil
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu, Quantization
from shared.errors import BadValue, Refused, Unsupported
from shared.estimator import Estimate, estimate
from shared.memory.breakdown import Verdict
from shared.memory.workload import Workload
from shared.planner.case import Case
from shared.planner.workloads import layouts, workload

# vLLM's default leaves 8 percent of the card unused; above this share other processes and fragmentation bite.
HIGHEST_UTILIZATION: Final = 0.95
NOT_REFUSED: Final = frozenset({Verdict.FITS, Verdict.TIGHT})


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of trying: an estimate, or why there is none."""

    estimate: Estimate | None
    reason: str = ""

    @property
    def fits(self) -> bool:
        """Whether it fits at the upper end of the error bar."""
        return self.estimate is not None and self.estimate.verdict is Verdict.FITS

    @property
    def may_fit(self) -> bool:
        """Whether it fits, or is tight."""
        return self.estimate is not None and self.estimate.verdict in NOT_REFUSED


def attempt(load: Workload, gpu: Gpu, gpu_count: int, catalog: Catalog) -> Attempt:
    """This workload on `gpu_count` GPUs, or the engine's sentence."""
    try:
        return Attempt(estimate(load, (gpu,) * gpu_count, catalog))
    except (Refused, Unsupported, BadValue) as error:
        return Attempt(None, error.sentence)


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
    for load in layouts(base, case.gpu_count, case.tensor_parallel):
        tried = attempt(load, case.gpu, case.gpu_count, catalog)
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
        again = attempt(changed, found.gpus[0], len(found.gpus), catalog)
        if again.fits:
            return again
    return tried


def at_context(found: Estimate, context_tokens: int, catalog: Catalog) -> Attempt:
    """The same workload, laid out the same way, with another context per sequence."""
    load = found.workload
    slots = load.sequences if load.engine == "llama.cpp" else 1
    return attempt(
        replace(load, context_tokens=context_tokens * slots), found.gpus[0], len(found.gpus), catalog
    )
