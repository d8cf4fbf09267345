"""The fewest GPUs of one kind that hold a case, counting only what the engine accepts."""

from collections.abc import Iterator
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Quantization
from shared.inverse.attempt import Attempt
from shared.inverse.held import missing_somewhere
from shared.inverse.question import question
from shared.memory.breakdown import Verdict
from shared.planner.case import Case
from shared.planner.engine_choice import engine_for, published
from shared.planner.fit import attempt_case
from shared.planner.plan import CountFit
from shared.planner.quantizations import (
    four_bit_gguf,
    four_bit_server_format,
    published_small,
    runs_on_id,
)
from shared.planner.workloads import workload

# Layers split over any number of cards; servers share heads, and nodes come with powers of two.
_SPLIT_COUNTS: Final = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16)
_PARALLEL_COUNTS: Final = (1, 2, 4, 8, 16, 32)


def counts(engine: str, at_least: int = 1) -> Iterator[int]:
    """GPU counts worth trying with this engine, from the smallest."""
    for count in _SPLIT_COUNTS if engine in ("llama.cpp", "transformers") else _PARALLEL_COUNTS:
        if count >= at_least:
            yield count


def fewest_gpus(
    case: Case,
    quantization: Quantization,
    engine: str,
    catalog: Catalog,
    *,
    at_least: int = 1,
    most: int = 32,
    surely: bool = True,
) -> tuple[int, Attempt] | None:
    """The fewest of the case's GPU that hold it, and the estimate there; None when no count we try is enough.

    Not `surely`: a count where it is tight will do.
    """
    for count in counts(engine, at_least):
        if count > most:
            return None
        there = case.on(case.gpu, count)
        if engine == "llama.cpp" and _is_too_little(there, quantization, catalog):
            continue
        tried = attempt_case(there, quantization, engine, catalog)
        if tried.fits or (tried.may_fit and not surely):
            return count, tried
    return None


def _is_too_little(case: Case, quantization: Quantization, catalog: Catalog) -> bool:
    """Whether weights, cache and states alone are more than a GPU holds, which is known without llama.cpp's graph."""
    load = workload(case, quantization, "llama.cpp")
    return missing_somewhere(question(load, case.gpus, catalog, None), load) > 0


def counts_for_usual_precisions(case: Case, catalog: Catalog) -> tuple[CountFit, ...]:
    """How many of the case's GPU each usual precision needs."""
    return tuple(
        _count_fit(case, quantization, engine, catalog)
        for quantization, engine in usual_precisions(case, catalog)
    )


def _count_fit(case: Case, quantization: Quantization, engine: str, catalog: Catalog) -> CountFit:
    enough = fewest_gpus(case, quantization, engine, catalog, surely=False)
    sure = enough
    if enough is not None and not enough[1].fits:
        sure = fewest_gpus(case, quantization, engine, catalog, at_least=enough[0] + 1)
    estimate = enough[1].estimate if enough else None
    return CountFit(
        quantization=quantization,
        engine=engine,
        gpu=case.gpu,
        gpu_count=enough[0] if enough else None,
        per_gpu_bytes=max((one.total_bytes for one in estimate.breakdown.per_gpu), default=0)
        if estimate
        else 0,
        verdict=estimate.verdict if estimate else Verdict.DOES_NOT_FIT,
        sure_count=sure[0] if sure else None,
    )


def usual_precisions(case: Case, catalog: Catalog) -> list[tuple[Quantization, str]]:
    """As asked or as published, 8 bits, and 4 bits: for the server where the card has one, and for llama.cpp."""
    names = [case.quantization.id] if case.quantization else []
    names.append(published(case.model, case.gpu, catalog, case.engine)[0].id)
    small = published_small(case.model, catalog)
    if not small:
        names += ["FP8"] if runs_on_id("FP8", case.gpu, catalog) else []
        names.append(four_bit_server_format(case.model, case.gpu, catalog))
    gguf = four_bit_gguf(case.model, catalog)
    if gguf is not None:
        names += [gguf.id] if small else ["Q8_0", gguf.id]
    native = catalog.quantizations.get(case.model.native_quantization)
    ceiling = native.bits_per_weight if native else 16.0
    found = []
    for name in dict.fromkeys(names):
        row = catalog.quantizations.get(name)
        engine = engine_for(row, case.gpu, case.engine) if row else None
        if row is None or engine is None:
            continue
        if row is not native and row is not case.quantization and row.bits_per_weight >= ceiling + 1:
            continue
        found.append((row, engine))
    return found
