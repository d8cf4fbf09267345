"""Can this model run on that GPU: what was asked, and every way that would work instead."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Quantization, QuantizationFormat
from shared.estimator import Estimate
from shared.inverse.attempt import Attempt
from shared.inverse.quantization import is_native
from shared.planner.alternatives import is_waste, least_owned, smaller_model, smallest_gpu
from shared.planner.asked import Asked
from shared.planner.case import Case
from shared.planner.engine_choice import engine_for
from shared.planner.fit import attempt_case
from shared.planner.offload import best_offload, host_sentence
from shared.planner.options import option
from shared.planner.owned import marked
from shared.planner.parallelism import fewest_gpus, usual_precisions
from shared.planner.plan import Headline, Option, OptionKind
from shared.planner.quantizations import four_bit_gguf, ladder
from shared.planner.same_gpus import on_the_same_gpus
from shared.planner.slices import smallest_slice
from shared.units import gib

# A model of a third of the size still does much of the work; below that another family serves better.
_NEAR_ENOUGH: Final = 0.3


def ways(case: Case, asked: Asked, catalog: Catalog) -> Iterator[Option]:
    """Every option for this case, in no order; the ranking sorts and thins them."""
    yield from marked(_ways(case, asked, catalog), case.owned)


def _ways(case: Case, asked: Asked, catalog: Catalog) -> Iterator[Option]:
    found = asked.attempt.estimate
    if found is not None and asked.attempt.may_fit:
        yield option(OptionKind.AS_ASKED, found, catalog, reason="What was asked.")
    if found is not None and asked.attempt.fits:
        yield from _less_hardware(case, found, catalog)
        return
    yield from on_the_same_gpus(case, asked, catalog)
    yield from _more_gpus(case, catalog) if case.whole is None else _larger_slice(case, asked, catalog)
    yield from _offload(case, catalog)
    yield from _other_gpu(case, asked.quantization, catalog)
    yield from _other_models(case, catalog)


def headline(case: Case, asked: Attempt, options: tuple[Option, ...]) -> Headline:
    """The answer in one word.

    `with_changes` is kept for changes on the named hardware that leave the model healthy: about 4 bits or better, a
    smaller context, a quantized KV cache, and part of it on a host whose memory was named.
    """
    if asked.fits:
        return Headline.YES
    named = {OptionKind.AS_ASKED, OptionKind.QUANTIZATION, OptionKind.CONTEXT, OptionKind.KV_CACHE}
    if case.host_memory_bytes:
        named.add(OptionKind.OFFLOAD)
    if any(one.kind in named and one.healthy for one in options):
        return Headline.WITH_CHANGES
    if asked.is_unknown or (asked.estimate is None and not options):
        return Headline.UNKNOWN
    return Headline.NO


def _less_hardware(case: Case, asked: Estimate, catalog: Catalog) -> Iterator[Option]:
    """Where a whole card is waste: a slice of it."""
    load = asked.workload
    if not is_waste(asked):
        return
    found = smallest_slice(case, load.quantization, load.engine, catalog)
    if found is not None:
        reason = "It needs less than half of the card; a slice leaves the rest to others."
        yield option(OptionKind.MIG_SLICE, found, catalog, reason=reason)


def _larger_slice(case: Case, asked: Asked, catalog: Catalog) -> Iterator[Option]:
    """Slices cannot work together: the smallest one that does it, else the whole card."""
    assert case.whole is not None  # noqa: S101 - the caller has looked
    four_bits = four_bit_gguf(case.model, catalog)
    for quantization in dict.fromkeys((asked.quantization, four_bits)):
        engine = engine_for(quantization, case.whole, case.engine) if quantization else None
        if quantization is None or engine is None or attempt_case(case, quantization, engine, catalog).fits:
            continue
        card = case.on(case.whole)
        found = smallest_slice(card, quantization, engine, catalog)
        if found is not None:
            reason = f"The smallest slice of one {case.whole.name} that holds {quantization.name}."
            yield option(OptionKind.MIG_SLICE, found, catalog, reason=reason)
            continue
        tried = attempt_case(card, quantization, engine, catalog)
        if tried.fits and tried.estimate is not None:
            reason = f"No slice holds {quantization.name}; the whole card does."
            yield option(OptionKind.OTHER_GPU, tried.estimate, catalog, reason=reason)


def _more_gpus(case: Case, catalog: Catalog) -> Iterator[Option]:
    """More of the same GPU, for each usual precision."""
    for quantization, engine in usual_precisions(case, catalog):
        if attempt_case(case, quantization, engine, catalog).fits:
            continue  # the named hardware will do
        enough = fewest_gpus(case, quantization, engine, catalog, at_least=len(case.gpus) + 1)
        if enough is None or enough[1].estimate is None:
            continue
        count, tried = enough
        nodes = " That is more than one node." if count > 8 else ""
        reason = f"The fewest {case.gpu.name} for {quantization.name}, as {engine} shares them.{nodes}"
        assert tried.estimate is not None  # noqa: S101 - checked above; fewest_gpus returns only what fits
        yield option(OptionKind.MORE_GPUS, tried.estimate, catalog, reason=reason)


def _offload(case: Case, catalog: Catalog) -> Iterator[Option]:
    quantization = case.quantization
    if quantization is None or quantization.format is not QuantizationFormat.GGUF:
        quantization = four_bit_gguf(case.model, catalog)
    if quantization is None or case.model.shape.gguf_architecture is None or case.gpu_layers is not None:
        return
    if case.engine not in (None, "llama.cpp") or case.gpu.unified_memory:
        return
    found = _offload_within_the_host(case, quantization, catalog)
    if found is None:
        return
    host = found.breakdown.host.total_bytes
    have = f"the {gib(case.host_memory_bytes)} of " if case.host_memory_bytes else ""
    note = f"Needs {gib(host)} of {have}host memory: {host_sentence(found)}."
    reason = "Keeps the quality on the named hardware and pays with speed."
    yield option(OptionKind.OFFLOAD, found, catalog, reason=reason, notes=(note,))


def _offload_within_the_host(case: Case, quantization: Quantization, catalog: Catalog) -> Estimate | None:
    """The offload of this quantization, or of the best smaller one that the host's memory, where known, can hold."""
    smaller = [row for row, engine in ladder(case, catalog) if engine == "llama.cpp" and row.healthy]
    start = smaller.index(quantization) if quantization in smaller else len(smaller)
    for row in (quantization, *(smaller[start + 1 :] if case.quantization is None else ())):
        found = best_offload(case, row, catalog)
        limit = case.host_memory_bytes
        if found is None or limit is None or found.breakdown.host.total_bytes <= limit:
            return found
    return None


def _other_gpu(case: Case, wanted: Quantization, catalog: Catalog) -> Iterator[Option]:
    """The least of our own and the smallest single card for what was asked, and for 4 bits where that is less."""
    four_bits = four_bit_gguf(case.model, catalog)
    tried = [wanted]
    if case.quantization is None and four_bits is not None and not is_native(four_bits, case.model):
        tried.append(four_bits)
    ours: list[Estimate] = []
    found: dict[str, Estimate] = {}
    for quantization in tried:
        here = engine_for(quantization, case.gpu, case.engine)
        if here is not None and attempt_case(case, quantization, here, catalog).fits:
            continue  # no other card is needed for it
        held = least_owned(replace(case, engine=None), quantization, catalog, skip=frozenset({case.gpu.id}))
        if held is not None:
            ours.append(held)
        estimate = smallest_gpu(replace(case, engine=None), quantization, catalog)
        if estimate is not None:
            found.setdefault(estimate.gpus[0].id, estimate)
    for estimate in ours:
        reason = f"The least of our own GPUs that holds {estimate.workload.quantization.name}."
        yield option(OptionKind.OTHER_GPU, estimate, catalog, reason=reason)
    known = {(one.gpus, one.workload.quantization.id) for one in ours}
    for estimate in (one for one in found.values() if (one.gpus, one.workload.quantization.id) not in known):
        reason = f"The smallest single card that holds {estimate.workload.quantization.name}."
        yield option(OptionKind.OTHER_GPU, estimate, catalog, reason=reason)


def _other_models(case: Case, catalog: Catalog) -> Iterator[Option]:
    """A smaller model of the family; of another family too where the family has nothing near."""
    kin = smaller_model(case, catalog, same_family=True)
    if kin is not None:
        reason = f"The largest smaller model of the {case.model.family} family that fits the named hardware."
        yield option(OptionKind.OTHER_MODEL, kin, catalog, reason=reason)
    if kin is not None and kin.workload.model.parameters >= _NEAR_ENOUGH * case.model.parameters:
        return
    other = smaller_model(case, catalog, same_family=False)
    if other is not None:
        reason = "The largest current model of another family that fits the named hardware and stays healthy."
        yield option(OptionKind.OTHER_MODEL, other, catalog, reason=reason)
