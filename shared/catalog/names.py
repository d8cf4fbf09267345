"""What a person typed becomes a row, or a sentence with the nearest names; numbers are never corrected."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from rapidfuzz import fuzz

from shared.catalog.catalog import Catalog
from shared.catalog.name_index import (
    LONGEST_NAME,
    TUNING,
    CatalogIndex,
    Loose,
    NameIndex,
    build,
    gpu_pieces,
    gpu_words,
    key,
    model_pieces,
    without_form,
    without_tuning,
    words,
)
from shared.catalog.rows import Engine, Gpu, Model, Quantization
from shared.errors import AmbiguousName, BadValue, UnknownName

_SUGGESTIONS: Final = 3
_MOST_CHOICES: Final = 8
_SHORTEST_WORD: Final = 3
_NEAR_ENOUGH: Final = 60.0  # of 100: below it two words have little in common
_SIZE_TOLERANCE: Final = 0.04  # driver versions print totals up to this much apart
_INLINE_ECC: Final = 15 / 16  # what ECC leaves of GDDR5 and GDDR6
_INLINE_ECC_MEMORY: Final = frozenset({"GDDR5", "GDDR6"})

_RowType = TypeVar("_RowType", Model, Gpu, Quantization, Engine)

# Index of the catalogs in use. Keyed by identity, since a catalog never changes; the catalog is kept beside its
# index so that its id is not given to another, and few are ever alive in one process.
_INDEXES: dict[int, tuple[Catalog, CatalogIndex]] = {}
_MOST_INDEXES: Final = 4


def index_of(catalog: Catalog) -> CatalogIndex:
    """The names of a catalog, built once."""
    held = _INDEXES.get(id(catalog))
    if held is None:
        if len(_INDEXES) >= _MOST_INDEXES:
            _INDEXES.clear()
        held = _INDEXES[id(catalog)] = (catalog, build(catalog))
    return held[1]


def find_model(text: str, catalog: Catalog) -> Model:
    """The model of this id, repository or name.

    Raises:
        UnknownName: No model is called so; the nearest names are suggested.
        AmbiguousName: Several are ("gemma 27b"); the choices are listed.
    """
    _refuse_no_name("model", text)
    index = index_of(catalog).models
    name = text.rstrip("/ ").rpartition("/")[2] if _is_address(text) else text
    parts = words(name)
    ids = _exact(parts, index) or _exact(without_tuning(parts), index)
    ids = ids or _left_out(model_pieces(name) - TUNING, index)
    return _only("model", text, ids, index, catalog.models, words(name.rpartition("/")[2]))


def find_gpu(text: str, catalog: Catalog) -> Gpu:
    """The GPU of this id or name. A family whose cards differ in memory ("A100") is ambiguous.

    Raises:
        UnknownName: No GPU is called so; the nearest names are suggested.
        AmbiguousName: Several are; the choices are listed.
    """
    _refuse_no_name("gpu", text)
    index = index_of(catalog).gpus
    parts = gpu_words(text)
    ids = _exact(parts, index) or _left_out(gpu_pieces(text), index) or _exact(without_form(parts), index)
    return _only("gpu", text, ids, index, catalog.gpus, parts)


def find_quantization(text: str, catalog: Catalog) -> Quantization:
    """The quantization of this id or name.

    Raises:
        UnknownName: No quantization is called so; the nearest names are suggested.
        AmbiguousName: Several are ("4-bit"); the choices are listed.
    """
    _refuse_no_name("quantization", text)
    index, parts = index_of(catalog).quantizations, words(text)
    return _only("quantization", text, _exact(parts, index), index, catalog.quantizations, parts)


def find_engine(text: str, catalog: Catalog) -> Engine:
    """The engine of this id or name.

    Raises:
        UnknownName: No engine is called so; the nearest names are suggested.
    """
    _refuse_no_name("engine", text)
    index, parts = index_of(catalog).engines, words(text)
    return _only("engine", text, _exact(parts, index), index, catalog.engines, parts)


def _is_address(text: str) -> bool:
    """Whether this is the web address of a repository, whose last part is its name."""
    return text.strip().lower().startswith(("http://", "https://"))


def _refuse_no_name(kind: str, text: str) -> None:
    if not text.strip():
        raise BadValue(kind, text, f"a {kind} needs a name")
    if len(text) > LONGEST_NAME:
        raise UnknownName(kind, text)


def _exact(parts: tuple[str, ...], index: NameIndex) -> tuple[str, ...]:
    """Rows of exactly this name: an id or display name goes before a family, a family before an alias."""
    name = key(parts)
    return index.own.get(name) or index.families.get(name) or index.other.get(name) or ()


def _left_out(pieces: frozenset[str], index: NameIndex) -> tuple[str, ...]:
    """Rows whose name says all these pieces and little besides, newest first.

    With a size, the least besides ("gemma 27b": Gemma 2 27B and Gemma 3 27B); without one, no further words
    ("llama 3.1": every size of it). One row is only the answer when all others are variants of it: "ernie 4.5" has
    several sizes. A letter or two, or a bare number, say too little to be a name.
    """
    sized = any(piece[0].isdecimal() and piece[-1].isalpha() for piece in pieces)
    if not sized and not any(len(piece) >= _SHORTEST_WORD and piece.isalpha() for piece in pieces):
        return ()
    rest = {row: index.pieces[row] - pieces for row, answers in index.answers.items() if pieces <= answers}
    if not rest:
        return ()
    weigh = _weight if sized else _further_words
    order = sorted(rest, key=lambda row_id: (weigh(rest[row_id]), -index.released.get(row_id, 0)))
    best = [row_id for row_id in order if weigh(rest[row_id]) == weigh(rest[order[0]])]
    if len(best) > 1:
        return tuple(best)
    return tuple(row_id for row_id in order if row_id in best or not rest[best[0]] <= rest[row_id])


def _weight(pieces: frozenset[str]) -> int:
    """How much was left out; a word weighs more than a number."""
    return len(pieces) + _further_words(pieces)


def _further_words(pieces: frozenset[str]) -> int:
    return sum(piece.isalpha() for piece in pieces)


def _only(
    kind: str,
    text: str,
    ids: Sequence[str],
    index: NameIndex,
    rows: Mapping[str, _RowType],
    parts: tuple[str, ...],
) -> _RowType:
    """The row when it is one."""
    if len(ids) == 1:
        return rows[ids[0]]
    if ids:
        raise AmbiguousName(kind, text, tuple(rows[row_id].name for row_id in ids[:_MOST_CHOICES]))
    raise UnknownName(kind, text, near=tuple(rows[row_id].name for row_id in _nearest(parts, index)))


def _nearest(parts: tuple[str, ...], index: NameIndex) -> tuple[str, ...]:
    """Up to three rows to suggest: the letters must be alike; rows with the very numbers come first."""
    asked = Loose.of(parts)
    if not asked.letters:
        return ()
    scored = []
    for row_id, name in index.loose.items():
        start = asked.letters[: len(name.letters)]  # repositories end in words of tuning and quantization
        likeness = fuzz.ratio(start, name.letters, score_cutoff=_NEAR_ENOUGH) if name.letters else 0
        if likeness:
            shared = len(asked.numbers & name.numbers) - len(asked.numbers ^ name.numbers) / 10
            scored.append((-shared, -likeness, -fuzz.ratio(asked.whole, name.whole), row_id))
    return tuple(row_id for *_, row_id in sorted(scored)[:_SUGGESTIONS])


def match_live_gpu(nvml_name: str, memory_total_bytes: int, catalog: Catalog) -> Gpu | None:
    """The row of a GPU a driver sees, by product name and memory size; None for a card or a slice we do not know.

    A vGPU or MIG slice carries the whole card's name with less memory, so the size must agree within 4 percent,
    with inline ECC on or off. A unified-memory device reports no size of its own (0) and goes by name.
    """
    name = key(gpu_words(nvml_name))
    best: Gpu | None = None
    best_miss = 1.0
    for row_id in index_of(catalog).gpus.other.get(name, ()):
        gpu = catalog.gpus[row_id]
        if name not in {key(gpu_words(known)) for known in gpu.nvml_names}:
            continue  # a person's alias is not what a driver prints
        miss = _size_miss(gpu, memory_total_bytes)
        if miss <= _SIZE_TOLERANCE and miss < best_miss:
            best, best_miss = gpu, miss
    return best


def _size_miss(gpu: Gpu, memory_total_bytes: int) -> float:
    """How far a live size is from the row's, as a share of it."""
    if gpu.unified_memory and memory_total_bytes == 0:
        return 0.0
    totals = [float(gpu.memory_total_bytes)]
    if gpu.memory_type in _INLINE_ECC_MEMORY:
        totals += [gpu.memory_total_bytes * _INLINE_ECC, gpu.memory_total_bytes / _INLINE_ECC]
    return min(abs(memory_total_bytes - total) / total for total in totals)
