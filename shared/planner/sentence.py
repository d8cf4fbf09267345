"""The headline as a sentence a person can repeat: verdict first, then the two numbers that decide it."""

from collections import Counter
from collections.abc import Sequence

from shared.catalog.rows import Gpu
from shared.inverse.attempt import Attempt
from shared.inverse.load import context_per_sequence
from shared.memory.breakdown import Verdict
from shared.planner.case import Case
from shared.planner.offload import host_sentence
from shared.planner.plan import Headline, Option, OptionKind, QuantizationFit
from shared.units import gib, tokens


def hardware(gpus: Sequence[Gpu]) -> str:
    """One A100 40GB, 4x A100 40GB, one RTX 3090 + one RTX 4090."""
    counts = Counter(gpu.name for gpu in gpus)
    return " + ".join(cards(name, count) for name, count in counts.items())


def cards(gpu_name: str, count: int) -> str:
    """One A100 40GB, 4x A100 40GB."""
    return f"one {gpu_name}" if count == 1 else f"{count}x {gpu_name}"


def fit_sentence(
    case: Case,
    asked: Attempt,
    word: Headline,
    options: tuple[Option, ...],
    fits: tuple[QuantizationFit, ...],
) -> str:
    """The answer to "can this model run on that GPU?"."""
    where = hardware(case.gpus)
    if asked.estimate is None:
        start = {Headline.NO: "No", Headline.WITH_CHANGES: "With changes"}.get(word, "Not known")
        if word is Headline.UNKNOWN and asked.is_unknown:
            return f"{start}: {asked.reason}"
        return f"{start}: {asked.reason.rstrip('.')}{_then(word, asked, options, fits)}"
    load = asked.estimate.workload
    name = f"{case.model.name} at {load.quantization.name}"
    need, room = _need_and_room(asked)
    context = tokens(context_per_sequence(load))
    users = f" for {case.sequences} users" if case.sequences > 1 else ""
    if asked.estimate.verdict is Verdict.FITS:
        sure = "Yes" if load.quantization.healthy else f"Yes, but {load.quantization.name} breaks the model"
        return (
            f"{sure}: {name} takes {need} of the {room} {where} can give, with {context} of context{users}."
        )
    if asked.estimate.verdict is Verdict.TIGHT:
        start = "With changes" if word is Headline.WITH_CHANGES else "No"
        return f"{start}: {name} on {where} is tight, {need} of {room}{_then(word, asked, options, fits)}"
    start = "With changes" if word is Headline.WITH_CHANGES else "No"
    missing = f"{name} needs {need} and {where} can give {room}"
    return f"{start}: {missing}{_then(word, asked, options, fits)}"


def _need_and_room(asked: Attempt) -> tuple[str, str]:
    """What the load needs and what the cards have, over all of them."""
    assert asked.estimate is not None  # noqa: S101 - callers have looked
    return gib(asked.estimate.breakdown.total_bytes), gib(sum(asked.estimate.capacity_bytes))


def _then(
    word: Headline, asked: Attempt, options: tuple[Option, ...], fits: tuple[QuantizationFit, ...]
) -> str:
    """What follows the bad news: the change that helps, or how little is left."""
    if word is Headline.WITH_CHANGES:
        kinds = (OptionKind.AS_ASKED, OptionKind.QUANTIZATION, OptionKind.CONTEXT, OptionKind.KV_CACHE)
        healthy = [one for one in options if one.healthy and one.kind in kinds]
        healthy += [one for one in options if one.healthy and one.kind is OptionKind.OFFLOAD]
        best = next((one for one in healthy if one.verdict is Verdict.FITS), healthy[0])
        return f"; {_change(best, asked)}."
    left = [fit for fit in fits if fit.verdict is Verdict.FITS]
    if not left:
        smaller = [fit for fit in fits if fit.longest_context_tokens]
        if smaller:
            first = smaller[0]
            longest = tokens(first.longest_context_tokens)
            return f"; no quantization fits at this context, {first.quantization.name} up to {longest}."
        return "; no quantization of it fits there."
    names = ", ".join(fit.quantization.name for fit in left[:3])
    broken = not any(fit.quantization.healthy for fit in left)
    cost = "which break the model" if broken else "with a loss one can see"
    return f"; only {names}{' and smaller' if len(left) > 3 else ''} fit, {cost}."


def _change(one: Option, asked: Attempt) -> str:
    load = one.estimate.workload
    context = tokens(context_per_sequence(load))
    same = asked.estimate is not None and asked.estimate.workload.quantization.id == load.quantization.id
    what = "it" if same else load.quantization.name
    if one.kind is OptionKind.CONTEXT:
        return f"with {context} of context {what} fits"
    if one.kind is OptionKind.KV_CACHE:
        return f"with the KV cache in {load.kv_cache_type_k} {what} fits"
    if one.kind is OptionKind.OFFLOAD:
        return f"with {host_sentence(one.estimate)} {what} runs"
    if one.kind is OptionKind.AS_ASKED:
        if not same:
            return f"{load.engine} runs it with {context} of context"
        if load.gpu_memory_utilization is None:
            return "it may start, without room to spare"
        return f"with --gpu-memory-utilization {load.gpu_memory_utilization} it fits"
    return f"{load.quantization.name} fits with {context} of context"
