"""A query with one part changed: what menus and the planning form ask for."""

from dataclasses import dataclass, replace
from typing import Final

from shared.catalog.catalog import Catalog
from shared.errors import BadValue
from shared.question.query import Ambiguity, Intent, Query
from shared.units import KIB

CONTEXTS: Final = (4096, 8192, 16_384, 32_768, 65_536, 131_072, 262_144, 1_048_576)
COUNTS: Final = (1, 2, 3, 4, 6, 8, 16)
USERS: Final = (1, 2, 4, 8, 16, 32, 64, 128)
KV_CACHE_TYPES: Final = ("f16", "q8_0", "q4_0", "fp8")
UNSAID: Final = "-"
"""The choice that takes a part back out of the question."""

_MOST: Final = {"gpu_count": 1024, "context_tokens": 16 * KIB**2, "sequences": 65_536}
_NAMES: Final = {"gpu_count": "number of GPUs", "context_tokens": "context", "sequences": "number of users"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One part of a question and its new value, as text; UNSAID leaves it open."""

    field: str
    value: str


def changed(query: Query, change: Change, catalog: Catalog) -> Query:
    """`query` with the change made. Raises BadValue for a value that cannot be."""
    field, value = change.field, None if change.value in {UNSAID, ""} else change.value
    if field == "model":
        model = catalog.models.get(value) if value else None
        intent = query.intent if model else Intent.WHAT_FITS
        if model and query.intent is Intent.WHAT_FITS:
            intent = Intent.FIT
        return replace(query, model=model, other_models=(), intent=intent, ambiguous=_without(query, "model"))
    if field == "gpu":
        gpu = catalog.gpus.get(value) if value else None
        intent = Intent.WHICH_GPU if gpu is None else query.intent
        if gpu and query.intent is Intent.WHICH_GPU:
            intent = Intent.FIT
        return replace(
            query,
            gpu=gpu,
            gpus_beside=query.gpus_beside if gpu == query.gpu else (),
            gpu_memory_bytes=None,
            intent=intent,
            ambiguous=_without(query, "gpu"),
        )
    if field == "quantization":
        return replace(query, quantization=catalog.quantizations.get(value) if value else None)
    if field in _MOST:
        number = _whole_number(field, value) if value else None
        if field == "gpu_count" and number != query.gpu_count:
            return replace(query, gpu_count=number, gpus_beside=(), tensor_parallel=None)
        return replace(query, **{field: number})  # type: ignore[arg-type]
    if field == "kv_cache_type":
        return replace(query, kv_cache_type=value)
    if field == "engine":
        return replace(query, engine=value)
    raise BadValue("part of the question", field, "it is one of the menus")


def _without(query: Query, field: str) -> tuple[Ambiguity, ...]:
    return tuple(one for one in query.ambiguous if one.field != field)


def _whole_number(field: str, text: str) -> int:
    """A whole number as a person types it into a form: "32768", "32,768", "32k"."""
    plain = text.strip().replace(",", "").replace(" ", "").lower()
    thousands = field == "context_tokens" and plain.endswith("k")
    digits = plain.removesuffix("k") if thousands else plain
    most = _MOST[field]
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 9:
        raise BadValue(_NAMES[field], text, f"it is a whole number from 1 to {most:,}")
    number = int(digits) * (KIB if thousands else 1)
    if not 1 <= number <= most:
        raise BadValue(_NAMES[field], text, f"it is a whole number from 1 to {most:,}")
    return number
