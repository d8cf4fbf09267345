"""What we say of runs whose outcome is known, against what happened.

Logs tell mostly of runs that started. So each measured need is also held against capacities just below and just
above it, where the outcome follows from the measurement: below it the run cannot start, above it it does.
For llama.cpp the capacity is a GPU with that much free; for vLLM the budget that `--gpu-memory-utilization` gives of
the same GPU, which vLLM's own arithmetic compares with what it measured.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.accuracy.llama_cpp import held_bytes
from benchmarks.accuracy.server_runs import ServerRun, logged, not_started, study
from shared.catalog.catalog import Catalog
from shared.estimator import estimate, hold
from shared.memory.breakdown import Verdict
from shared.units import GIB
from tests.shared.engines.llama_cpp.reference import cases

# capacities as shares of what was measured to be needed
MARGINS: Final = (0.80, 0.90, 0.95, 0.98, 0.99, 1.01, 1.02, 1.05, 1.10, 1.25)
_MOST_FREE: Final = 0.97  # of a GPU; above, its budget would not be free when vLLM starts, whatever it needs
_AS_RUN: Final = "as it was run"
_AROUND: Final = "capacities around what was measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One outcome: what we said, and whether it fitted."""

    engine: str
    evidence: str
    case: str
    said: Verdict
    fitted: bool


def judged(catalog: Catalog) -> Iterator[Judged]:
    """Every outcome the evidence gives."""
    yield from _llama_cpp(catalog)
    runs = (*study(catalog), *logged(catalog))
    for run in runs:
        yield from _as_run(run, catalog)
    for run in not_started(catalog):
        said = estimate(run.workload, run.gpus, catalog).verdict
        yield Judged(engine="vLLM", evidence=_AS_RUN, case=run.name, said=said, fitted=False)
    for run in runs:
        yield from _around(run, catalog)


def _llama_cpp(catalog: Catalog) -> Iterator[Judged]:
    """The recorded allocations of one device, which hold no context: what we say of that is added to the capacity."""
    for case in cases():
        if case.placement != "offload" or case.error:
            continue
        breakdown = estimate(case.workload, case.gpus, catalog).breakdown
        beside, needed = breakdown.per_gpu[0].overhead_bytes, held_bytes(case)
        for margin in MARGINS:
            free = round(needed * margin) + beside
            said = hold(case.workload, case.gpus, breakdown, free_bytes=(free,)).verdict
            name = f"{case.name}, {case.version}, {margin:.2f}"
            yield Judged(engine="llama.cpp", evidence=_AROUND, case=name, said=said, fitted=margin > 1)


def _as_run(run: ServerRun, catalog: Catalog) -> Iterator[Judged]:
    """A run whose GPU is known, as it was started; its printed pool says that it did."""
    if run.printed.get("pool", 0) > 0 and run.gpu_known:
        said = estimate(run.workload, run.gpus, catalog).verdict
        yield Judged(engine="vLLM", evidence=_AS_RUN, case=run.name, said=said, fitted=True)


def _around(run: ServerRun, catalog: Catalog) -> Iterator[Judged]:
    """The same run with a budget around what it needed: all but the cache, and one sequence of its context."""
    needed = _needed_gib(run)
    if needed is None:
        return
    total = run.gpus[0].memory_usable_bytes / GIB
    for margin in MARGINS:
        share = needed * margin / total
        if share <= _MOST_FREE:
            workload = replace(run.workload, gpu_memory_utilization=share)
            said = estimate(workload, run.gpus, catalog).verdict
            name = f"{run.name}, {margin:.2f}"
            yield Judged(engine="vLLM", evidence=_AROUND, case=name, said=said, fitted=margin > 1)


def _needed_gib(run: ServerRun) -> float | None:
    """What the budget must hold for one sequence; None where the log does not print it or another stage decides."""
    printed = run.printed
    if "concurrency" not in printed or "pool" not in printed or (run.workload.pipeline_parallel or 1) > 1:
        return None
    inside = printed.get("inside")
    if {"activation", "non_torch", "weights"} <= printed.keys() and inside is None:
        inside = printed["weights"] + printed["activation"] + printed["non_torch"]
    return None if inside is None else inside + printed["pool"] / printed["concurrency"]
