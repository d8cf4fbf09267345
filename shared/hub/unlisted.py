"""A catalog with the rows of models nobody listed, looked up when a question or a flag names them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from shared.catalog.catalog import Catalog
from shared.catalog.checkpoints import find_checkpoint
from shared.catalog.rows import Model
from shared.errors import AmbiguousName, UnknownName, Unsupported, UserError, shown
from shared.hub.reference import reference_of
from shared.question.unlisted import UnlistedRepository

LookUp = Callable[[str], Model]
Made = TypeVar("Made")

_MOST_UNLISTED = 3  # models nobody listed in one question


def with_row(catalog: Catalog, row: Model) -> Catalog:
    """The catalog with one more model. Raises Unsupported for a row whose quantization the catalog lacks."""
    if row.native_quantization not in catalog.quantizations:
        raise Unsupported(
            f"{shown(row.name)} is stored as {row.native_quantization}, which I have no row for."
        )
    return replace(catalog, models=MappingProxyType({**catalog.models, row.id: row}))


def with_unlisted(
    make: Callable[[Catalog], Made], catalog: Catalog, look_up: LookUp | None
) -> tuple[Made, Catalog]:
    """What `make` makes of the catalog, each repository it does not know looked up; and the catalog that needed.

    Raises:
        UserError: What `make` raises for other reasons, or why a look-up failed.
    """
    for _ in range(_MOST_UNLISTED):
        try:
            return make(catalog), catalog
        except UnlistedRepository as unknown:
            if look_up is None:
                raise
            catalog = with_row(catalog, look_up(unknown.repo_id))
    return make(catalog), catalog


def with_model(
    text: str, catalog: Catalog, look_up: LookUp | None, look_up_path: Callable[[Path], Model]
) -> Catalog:
    """The catalog with the model of a flag: a name it knows, a repository, an address, a folder or a GGUF file.

    A path that exists is read from this machine, so this is for a person's own terminal and never for a chat.

    Raises:
        UserError: The reason why a repository, folder or file could not be read. A name nobody knows is left for
            the reader of the flag to refuse.
    """
    path = _path(text)
    if path is not None:
        row = look_up_path(path)
        return with_row(catalog, row.model_copy(update={"aliases": (text,)}))
    try:
        find_checkpoint(text, catalog)
    except AmbiguousName:
        return catalog
    except UnknownName:
        reference = reference_of(text)
        if reference is None or look_up is None:
            return catalog
        row = look_up(text)
        return with_row(catalog, row.model_copy(update={"aliases": (text,)}))
    except UserError:
        return catalog
    return catalog


def _path(text: str) -> Path | None:
    """What the text names on this machine, if it is written as a path or is a GGUF file that is there."""
    is_path = text.startswith(("/", "./", "../", "~")) or text.lower().endswith(".gguf")
    if not is_path or text.lower().startswith(("http://", "https://")) or "\0" in text or len(text) > 4096:
        return None
    path = Path(text).expanduser()
    try:
        if path.exists():
            return path
    except OSError:
        return None
    return None
