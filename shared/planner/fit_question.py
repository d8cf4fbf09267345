"""Can this model run on that GPU: what was asked, and every way that would work instead."""

from collections.abc import Iterator
from dataclasses import replace

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Quantization, QuantizationFormat
from shared.errors import Refused
from shared.estimator import Estimate
from shared.memory.breakdown import Verdict
from shared.planner.alternatives import is_waste, smaller_model, smallest_gpu, smallest_slice
from shared.planner.case import Case
from shared.planner.engine_choice import engine_for, is_native, published
from shared.planner.fit import Attempt, attempt_case
from shared.planner.limits import longest_context
from shared.planner.offload import best_offload, host_sentence
from shared.planner.options import option
from shared.planner.parallelism import fewest_gpus, usual_precisions
from shared.planner.plan import Headline, Option, OptionKind
from shared.planner.quantizations import about_four_bits_or_better, ladder
from shared.units import gib, tokens

_SHORTEST_HEALTHY_CONTEXT = 2048


def asked_quantization(case: Case, catalog: Catalog) -> tuple[Quantization, str]:
    """What was literally asked: the named quantization, else the published precision, with the engine for it.

    Raises:
        Refused: The named engine does not run the named quantization, or nothing runs it on this card.
    """
    if case.quantization is None:
        return published(case.model, case.gpu, catalog, case.engine)
    engine = engine_for(case.quantization, case.gpu, case.engine)
    if engine is None:
        engines = ", ".join(case.quantization.engines) or "none that we know"
        where = case.engine or case.gpu.name
        raise Refused(where, f"{case.quantization.name} is run by {engines}", field="quantization")
    return case.quantization, engine


def attempt_asked(case: Case, catalog: Catalog) -> Attempt:
    """The literal question."""
    quantization, engine = asked_quantization(case, catalog)
    return attempt_case(case, quantization, engine, catalog, literally=True)


def ways(case: Case, asked: Attempt, catalog: Catalog) -> Iterator[Option]:
    """Every option for this case, in no order; the ranking sorts and thins them."""
    if asked.estimate is not None and asked.may_fit:
        yield option(OptionKind.AS_ASKED, asked.estimate, catalog, reason="What was asked.")
    if asked.fits and asked.estimate is not None:
        yield from _less_hardware(case, asked.estimate, catalog)
        return
    yield from _on_the_same_gpus(case, asked, catalog)
    yield from _more_gpus(case, catalog)
    yield from _offload(case, catalog)
    yield from _other_gpu(case, catalog)
    yield from _other_models(case, catalog)


def headline(asked: Attempt, options: tuple[Option, ...]) -> Headline:
    """The answer in one word.

    `with_changes` is kept for changes on the named hardware that leave the model healthy: about 4 bits or better, a
    smaller context, a quantized KV cache.
    """
    if asked.fits:
        return Headline.YES
    named = {OptionKind.AS_ASKED, OptionKind.QUANTIZATION, OptionKind.CONTEXT, OptionKind.KV_CACHE}
    if any(one.kind in named and one.healthy for one in options):
        return Headline.WITH_CHANGES
    if asked.estimate is None and not options:
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


def _on_the_same_gpus(case: Case, asked: Attempt, catalog: Catalog) -> Iterator[Option]:
    """Another quantization, a quantized KV cache, a shorter context: on the hardware that was named."""
    wanted, engine = asked_quantization(case, catalog)
    raised = attempt_case(case, wanted, engine, catalog)
    if raised.fits and raised.estimate is not None:
        share = raised.estimate.workload.gpu_memory_utilization
        reason = f"What was asked, with {engine} allowed {share:.0%} of each card."
        yield option(OptionKind.AS_ASKED, raised.estimate, catalog, reason=reason)
    yield from _quantizations(case, wanted, catalog)
    if asked.estimate is None:
        return
    if case.kv_cache_type is None and (eight_bit := _kv_type(asked.estimate)) is not None:
        quantized = attempt_case(
            case, wanted, asked.estimate.workload.engine, catalog, kv_cache_type=eight_bit
        )
        if quantized.fits and quantized.estimate is not None:
            reason = "The same weights; the KV cache at 8 bits costs next to no quality."
            yield option(OptionKind.KV_CACHE, quantized.estimate, catalog, reason=reason)
    longest = longest_context(asked.estimate, catalog, case.context_tokens)
    if longest >= min(_SHORTEST_HEALTHY_CONTEXT, case.context_tokens // 2):
        engine = asked.estimate.workload.engine
        shorter = attempt_case(case, wanted, engine, catalog, context_tokens=longest)
        if shorter.fits and shorter.estimate is not None:
            reason = (
                f"The same model with {tokens(longest)} of context instead of {tokens(case.context_tokens)}."
            )
            yield option(OptionKind.CONTEXT, shorter.estimate, catalog, reason=reason)


def _kv_type(asked: Estimate) -> str | None:
    return {"llama.cpp": "q8_0", "vllm": "fp8", "sglang": "fp8"}.get(asked.workload.engine)


def _quantizations(case: Case, wanted: Quantization, catalog: Catalog) -> Iterator[Option]:
    """The best quantization that fits, per engine: the healthy one first, else whatever is left."""
    engines_done: set[str] = set()
    for quantization, engine in ladder(case, catalog):
        if engine in engines_done or quantization.id == wanted.id:
            continue
        tried = attempt_case(case, quantization, engine, catalog)
        if not tried.fits or tried.estimate is None:
            continue
        engines_done.add(engine)
        yield option(
            OptionKind.QUANTIZATION,
            tried.estimate,
            catalog,
            reason=_why_this_quantization(case, quantization, catalog),
        )


def _why_this_quantization(case: Case, quantization: Quantization, catalog: Catalog) -> str:
    cards = f"{case.gpu_count}x {case.gpu.name}" if case.gpu_count > 1 else case.gpu.name
    if about_four_bits_or_better(quantization, case.model, catalog):
        return f"The best quality that fits on {cards}."
    if quantization.healthy:
        return f"The best that fits on {cards}, with a loss one can see."
    return f"Last: it fits on {cards}, but the quantization breaks the model."


def _more_gpus(case: Case, catalog: Catalog) -> Iterator[Option]:
    """More of the same GPU, for each usual precision."""
    for quantization, engine in usual_precisions(case, catalog):
        if attempt_case(case, quantization, engine, catalog).fits:
            continue  # the named hardware will do
        enough = fewest_gpus(case, quantization, engine, catalog, at_least=case.gpu_count + 1)
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
        quantization = catalog.quantizations.get("Q4_K_M")
    if quantization is None or case.model.shape.gguf_architecture is None or case.gpu_layers is not None:
        return
    if case.engine not in (None, "llama.cpp") or case.gpu.unified_memory:
        return
    found = best_offload(case, quantization, catalog)
    if found is None:
        return
    host = found.breakdown.host.total_bytes
    note = f"Needs {gib(host)} of host memory: {host_sentence(found)}."
    reason = "Keeps the quality on the named hardware and pays with speed."
    yield option(OptionKind.OFFLOAD, found, catalog, reason=reason, notes=(note,))


def _other_gpu(case: Case, catalog: Catalog) -> Iterator[Option]:
    """The smallest single card for what was asked, and for 4 bits where that is a smaller one."""
    wanted, _ = asked_quantization(case, catalog)
    four_bits = catalog.quantizations.get("Q4_K_M")
    tried = [wanted]
    if case.quantization is None and four_bits is not None and not is_native(four_bits, case.model):
        tried.append(four_bits)
    found: dict[str, Estimate] = {}
    for quantization in tried:
        estimate = smallest_gpu(replace(case, engine=None), quantization, catalog)
        if estimate is not None:
            found.setdefault(estimate.gpus[0].id, estimate)
    for estimate in found.values():
        reason = f"The smallest single card that holds {estimate.workload.quantization.name}."
        yield option(OptionKind.OTHER_GPU, estimate, catalog, reason=reason)


def _other_models(case: Case, catalog: Catalog) -> Iterator[Option]:
    for same_family in (True, False):
        found = smaller_model(case, catalog, same_family=same_family)
        if found is not None:
            kin = f"of the {case.model.family} family" if same_family else "of another family"
            reason = f"The largest smaller model {kin} that fits the named hardware and stays healthy."
            yield option(OptionKind.OTHER_MODEL, found, catalog, reason=reason)


def is_tight(asked: Attempt) -> bool:
    """Whether the error bar of what was asked straddles the capacity."""
    return asked.estimate is not None and asked.estimate.verdict is Verdict.TIGHT
