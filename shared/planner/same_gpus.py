"""What would fit on the hardware that was named: another quantization, a smaller cache, a shorter context."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Quantization
from shared.estimator import Estimate
from shared.inverse.load import context_per_sequence
from shared.planner.asked import Asked
from shared.planner.case import Case
from shared.planner.engine_choice import engine_for
from shared.planner.fit import attempt_case
from shared.planner.options import option
from shared.planner.plan import Option, OptionKind
from shared.planner.quantizations import about_four_bits_or_better, ladder, surely_too_large
from shared.planner.reach import longest_context
from shared.planner.sentence import hardware
from shared.units import tokens

SHORTEST_HEALTHY_CONTEXT: Final = 2048
_EIGHT_BIT_CACHE: Final = {"llama.cpp": "q8_0", "vllm": "fp8", "sglang": "fp8"}


def on_the_same_gpus(case: Case, asked: Asked, catalog: Catalog) -> Iterator[Option]:
    """Every change that keeps the hardware."""
    if asked.engine is not None:
        yield from _raised(case, asked, catalog)
    elif case.engine is not None:
        yield from _by_another_engine(case, asked, catalog)
    quantizations = list(_quantizations(case, asked.quantization, catalog))
    yield from quantizations
    if asked.attempt.estimate is not None and asked.engine is not None:
        yield from _with_less_cache(case, asked.quantization, asked.engine, catalog)
    if case.quantization is None and not any(one.healthy for one in quantizations):
        yield from _healthy_with_less_cache(case, catalog)


def _raised(case: Case, asked: Asked, catalog: Catalog) -> Iterator[Option]:
    """The literal question with more of the card given to the engine, where that is enough."""
    tried = attempt_case(case, asked.quantization, asked.engine or "", catalog)
    if tried.fits and tried.estimate is not None:
        share = tried.estimate.workload.gpu_memory_utilization
        reason = f"What was asked, with {asked.engine} allowed {share:.0%} of each card."
        yield option(OptionKind.AS_ASKED, tried.estimate, catalog, reason=reason)


def _by_another_engine(case: Case, asked: Asked, catalog: Catalog) -> Iterator[Option]:
    """The named quantization where the named engine does not run it."""
    engine = engine_for(asked.quantization, case.gpu)
    if engine is None:
        return
    tried = attempt_case(replace(case, engine=None), asked.quantization, engine, catalog)
    if tried.fits and tried.estimate is not None:
        reason = f"What was asked, run by {engine}."
        yield option(OptionKind.AS_ASKED, tried.estimate, catalog, reason=reason)


def _quantizations(case: Case, wanted: Quantization, catalog: Catalog) -> Iterator[Option]:
    """The best quantization that fits, per engine: the healthy one first, else whatever is left."""
    engines_done: set[str] = set()
    for quantization, engine in ladder(case, catalog):
        if engine in engines_done or quantization.id == wanted.id or surely_too_large(case, quantization):
            continue
        tried = attempt_case(case, quantization, engine, catalog)
        if tried.fits and tried.estimate is not None:
            engines_done.add(engine)
            reason = _why_this_quantization(case, quantization, catalog)
            yield option(OptionKind.QUANTIZATION, tried.estimate, catalog, reason=reason)


def _why_this_quantization(case: Case, quantization: Quantization, catalog: Catalog) -> str:
    where = hardware(case.gpus)
    if about_four_bits_or_better(quantization, case.model, catalog):
        return f"The best quality that fits on {where}."
    if quantization.healthy:
        return f"The best that fits on {where}, with a loss one can see."
    return f"Last: it fits on {where}, but the quantization breaks the model."


def _healthy_with_less_cache(case: Case, catalog: Catalog) -> Iterator[Option]:
    """Where no healthy quantization has room for the asked context: the best of those with less of a cache.

    Of the shorter contexts the best quality that keeps half of it, else the one that keeps most.
    """
    found = [
        one
        for quantization, engine in ladder(case, catalog)
        if about_four_bits_or_better(quantization, case.model, catalog)
        and not surely_too_large(case, quantization)
        for one in _with_less_cache(case, quantization, engine, catalog)
    ]
    yield from [one for one in found if one.kind is OptionKind.KV_CACHE][:1]
    shorter = [one for one in found if one.kind is OptionKind.CONTEXT]
    if shorter:
        enough = [one for one in shorter if _context(one) * 2 >= case.context_tokens]
        yield enough[0] if enough else max(shorter, key=_context)


def _context(one: Option) -> int:
    return context_per_sequence(one.estimate.workload)


def _with_less_cache(
    case: Case, quantization: Quantization, engine: str, catalog: Catalog
) -> Iterator[Option]:
    """The same weights with the KV cache at 8 bits, and with the longest context that fits."""
    start = attempt_case(case, quantization, engine, catalog).estimate
    if start is None:
        return
    if case.kv_cache_type is None and engine in _EIGHT_BIT_CACHE:
        kind = _EIGHT_BIT_CACHE[engine]
        smaller = attempt_case(case, quantization, engine, catalog, kv_cache_type=kind)
        if smaller.fits and smaller.estimate is not None:
            reason = "The KV cache at 8 bits: half the cache at next to no loss."
            yield option(OptionKind.KV_CACHE, smaller.estimate, catalog, reason=reason)
    shorter = _longest(case, start, catalog)
    if shorter is not None:
        was = tokens(case.context_tokens)
        reason = f"The longest context that fits, instead of {was}."
        yield option(OptionKind.CONTEXT, shorter, catalog, reason=reason)


def _longest(case: Case, start: Estimate, catalog: Catalog) -> Estimate | None:
    """The estimate at the longest context that fits, where that is long enough to work with."""
    load = start.workload
    longest = longest_context(start, catalog, case.context_tokens)
    if longest < min(SHORTEST_HEALTHY_CONTEXT, case.context_tokens // 2):
        return None
    tried = attempt_case(case, load.quantization, load.engine, catalog, context_tokens=longest)
    return tried.estimate if tried.fits else None
