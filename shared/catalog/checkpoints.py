"""The name of a published checkpoint, whoever repackaged it, becomes a model and the quantization the name says."""

from dataclasses import dataclass
from typing import Final, Literal

from shared.catalog.catalog import Catalog
from shared.catalog.lookup import exact, index_of, left_out, only, refuse_no_name
from shared.catalog.name_index import TUNING, CatalogIndex, key, model_pieces, without_tuning, words
from shared.catalog.packaging import Unpacked, name_of, unpacked
from shared.catalog.rows import Model, Quantization, QuantizationFormat

_IN_GGUF: Final = frozenset({QuantizationFormat.GGUF, QuantizationFormat.PLAIN})

How = Literal["exact", "alias", "assumed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint as its name describes it.

    Attributes:
        quantization: What the name says of its weights; None when it says nothing, or nothing that is one row.
        how: "exact": a name of the row. "alias": the row's name in other words or repackaged. "assumed": the weights
            are said to be edited in place, or of another date, which leaves the shape as it was.
        said: The words about quantization; with `quantization` None they named no single row ("4bit").
        is_gguf: Whether it holds GGUF files.
    """

    model: Model
    quantization: Quantization | None
    how: How
    said: str = ""
    is_gguf: bool = False


def find_checkpoint(text: str, catalog: Catalog) -> Checkpoint:
    """The model and quantization of a repository, file or name.

    Numbers are exact: one is only ever left out where it is part of a word about storage ("W4A16", "128g"), of a
    context extension ("128K"), or a date beside a size. A fine-tune under a name of its own is not its base.

    Raises:
        UnknownName: No model is called so; the nearest names are suggested.
        AmbiguousName: Several are ("gemma 27b"); the choices are listed.
    """
    refuse_no_name("model", text)
    index = index_of(catalog)
    parts = unpacked(text)
    ids, how = _rows(text, parts, index)
    nearest_to = words(parts.names[-1][0]) or words(text)
    model = only("model", text, ids, index.models, catalog.models, nearest_to)
    quantization = _published_there(text, model, catalog) or _said(parts, index, catalog)
    return Checkpoint(
        model=model,
        quantization=quantization,
        how=how,
        said=parts.said,
        is_gguf=_holds_gguf(text, model, parts),
    )


def _rows(text: str, parts: Unpacked, index: CatalogIndex) -> tuple[tuple[str, ...], How]:
    """The rows a checkpoint's name may mean, and how they were found."""
    models = index.models
    ids = exact(words(text), models)
    if ids:
        return ids, "exact"
    for name, is_packaging in parts.names:
        said = words(name)
        ids = exact(said, models) or exact(without_tuning(said), models)
        if ids:
            return ids, "alias" if is_packaging else "assumed"
    whole = left_out(model_pieces(name_of(text)) - TUNING, models)
    return whole or left_out(model_pieces(parts.bare) - TUNING, models), "alias"


def _published_there(text: str, model: Model, catalog: Catalog) -> Quantization | None:
    """The quantization of a repository the row lists."""
    asked = key(words(text))
    for repository in model.quantized_repos:
        if key(words(repository.repo_id)) == asked:
            return catalog.quantizations[repository.quantization]
    return None


def _said(parts: Unpacked, index: CatalogIndex, catalog: Catalog) -> Quantization | None:
    """The one row of the quantization said; in a GGUF file it is one of GGUF's own types."""
    if not parts.quantization:
        return None
    rows = [catalog.quantizations[row_id] for row_id in exact(words(parts.quantization), index.quantizations)]
    if parts.is_gguf:
        rows = [row for row in rows if row.format in _IN_GGUF]
    return rows[0] if len(rows) == 1 else None


def _holds_gguf(text: str, model: Model, parts: Unpacked) -> bool:
    return parts.is_gguf or (model.gguf_repo_id or "").lower() == text.strip().lower()
