"""Looking a name up in the index of a catalog: exactly, with parts left out, or the nearest to suggest."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from shared.catalog.catalog import Catalog
from shared.catalog.name_index import LONGEST_NAME, CatalogIndex, Loose, NameIndex, build, key
from shared.catalog.rows import Engine, Gpu, Model, Quantization
from shared.errors import AmbiguousName, BadValue, UnknownName

_SUGGESTIONS: Final = 3
_MOST_CHOICES: Final = 8
_SHORTEST_WORD: Final = 3
_NEAR_ENOUGH: Final = 60.0  # of 100: below it two words have little in common

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


def refuse_no_name(kind: str, text: str) -> None:
    """Raises BadValue for an empty name and UnknownName for one longer than any."""
    if not text.strip():
        raise BadValue(kind, text, f"a {kind} needs a name")
    if len(text) > LONGEST_NAME:
        raise UnknownName(kind, text)


def exact(parts: tuple[str, ...], index: NameIndex) -> tuple[str, ...]:
    """Rows of exactly this name: an id or display name goes before a family, a family before an alias."""
    name = key(parts)
    return index.own.get(name) or index.families.get(name) or index.other.get(name) or ()


def left_out(pieces: frozenset[str], index: NameIndex) -> tuple[str, ...]:
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


def only(
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
    from rapidfuzz import fuzz  # noqa: PLC0415 - slow to import, and only a misspelling needs it

    scored = []
    for row_id, name in index.loose.items():
        start = asked.letters[: len(name.letters)]  # repositories end in words of tuning and quantization
        likeness = fuzz.ratio(start, name.letters, score_cutoff=_NEAR_ENOUGH) if name.letters else 0
        if likeness:
            shared = len(asked.numbers & name.numbers) - len(asked.numbers ^ name.numbers) / 10
            scored.append((-shared, -likeness, -fuzz.ratio(asked.whole, name.whole), row_id))
    if not scored:  # "q4_k_xl": too few letters to be alike in, but numbers beside them
        scored = [
            (0.0, 0.0, -likeness, row_id)
            for row_id, name in index.loose.items()
            if asked.numbers & name.numbers
            and (likeness := fuzz.ratio(asked.whole, name.whole, score_cutoff=_NEAR_ENOUGH))
        ]
    return tuple(row_id for *_, row_id in sorted(scored)[:_SUGGESTIONS])
