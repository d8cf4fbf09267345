"""The questions that an ambiguous one may be: every reading is planned, rather than a coin tossed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from shared.catalog.catalog import Catalog
from shared.planner.plan import Headline, Plan
from shared.question.query import Ambiguity, Query

_MOST: Final = 4  # plans in one answer; what is beyond them is asked back by name
_DIFFERENT_THINGS: Final = ("gpu", "quantization", "gpu_memory_bytes", "gpu_count")


def readings_of(query: Query, catalog: Catalog) -> tuple[Query, ...]:
    """One question per reading, the likeliest first, at most four; empty where nothing is open.

    A number that nobody could place has no readings: the rest of the question is one, and the number is asked about.

    Of several ambiguities the one with the fewest choices is answered for each of them first, so that two GPUs
    and a dozen models become two models on each GPU rather than four models on one.
    """
    found = [query]
    room = _MOST
    for ambiguity in sorted(query.ambiguous, key=lambda one: len(one.choices)):
        choices = _decided(ambiguity, query, catalog)[: max(1, room)]
        if choices:
            found = [decide(one) for one in found for decide in choices]
            room //= len(choices)
    return tuple(replace(one, ambiguous=()) for one in found) if query.ambiguous else ()


def of_readings(query: Query, plans: Sequence[Plan]) -> Plan:
    """The plans of all readings as one answer; one word only where all agree."""
    first, *others = plans
    is_unplaced = any(one.field == "number" for one in query.ambiguous)
    agreed = all(one.headline is first.headline for one in others)
    asks = tuple(one.given for one in query.ambiguous if not _is_comparison(one, plans))
    compared = any(_is_comparison(one, plans) for one in query.ambiguous if one.field == "gpu")
    plans = [replace(one, sentence=_named(one)) for one in plans] if compared else list(plans)
    return replace(
        first,
        query=query,
        headline=first.headline if agreed and not is_unplaced else Headline.UNKNOWN,
        sentence="".join(f"Which {given}? " for given in asks) + " ".join(one.sentence for one in plans),
        own_sentence=plans[0].sentence,
        others=tuple(plans[1:]),
        asks=asks,
    )


def _decided(ambiguity: Ambiguity, query: Query, catalog: Catalog) -> list[Callable[[Query], Query]]:
    """What makes each choice of it the question's own; nothing where the question has that part already."""
    counts = dict(zip(ambiguity.choices, ambiguity.counts, strict=bool(ambiguity.counts)))
    rows: dict[str, object]
    match ambiguity.field:
        case "model" if query.model is None:
            rows = dict(catalog.models)
        case "gpu" if query.gpu is None:
            rows = dict(catalog.gpus)
        case "quantization" if query.quantization is None:
            rows = dict(catalog.quantizations)
        case "gpu_count" if query.gpu_count is None:
            rows = {choice: int(choice) for choice in ambiguity.choices}
        case "gpu_memory_bytes" if query.gpu_memory_bytes is None and query.gpu is None:
            rows = {choice: int(choice) for choice in ambiguity.choices}
        case _:
            return []

    def deciding(choice: str) -> Callable[[Query], Query]:
        fields = {ambiguity.field: rows[choice]} | ({"gpu_count": counts[choice]} if counts else {})
        return lambda one: replace(one, **fields)  # type: ignore[arg-type]

    return [deciding(choice) for choice in ambiguity.choices if choice in rows]


def _is_comparison(ambiguity: Ambiguity, plans: Sequence[Plan]) -> bool:
    """Whether different things were named, to be held against each other, rather than one of several sizes."""
    if ambiguity.field != "gpu":
        return ambiguity.field in _DIFFERENT_THINGS
    return len({one.query.gpu.family for one in plans if one.query.gpu}) > 1


def _named(plan: Plan) -> str:
    """The sentence under the name of its GPU, which is what it is held against the others by."""
    return f"{plan.query.gpu.name}: {plan.sentence}" if plan.query.gpu else plan.sentence
