"""A catalog with the rows of models nobody listed, looked up when a question or a flag names them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from shared.catalog.catalog import Catalog
from shared.catalog.checkpoints import find_checkpoint
from shared.catalog.rows import Model
from shared.errors import UnknownName, Unsupported, UserError, shown
from shared.hub.reference import reference_of
from shared.hub.refusals import HubAway
from shared.question.unlisted import UnlistedRepository

LookUp = Callable[[str], Model]
Made = TypeVar("Made")

_MOST_UNLISTED: Final = 3  # models nobody listed in one question
_LONGEST_PATH: Final = 4096


def with_row(catalog: Catalog, row: Model) -> Catalog:
    """The catalog with one more model. Raises Unsupported for a row whose quantization the catalog lacks."""
    if row.native_quantization not in catalog.quantizations:
        raise Unsupported(
            f"{shown(row.name)} is stored as {row.native_quantization}, which I have no row for."
        )
    return replace(catalog, models=MappingProxyType({**catalog.models, row.id: row}))


def with_unlisted(make: Callable[[Catalog], Made], catalog: Catalog, look_up: LookUp) -> tuple[Made, Catalog]:
    """What `make` makes of the catalog, each repository it does not know looked up; and the catalog it took.

    Raises:
        UserError: What `make` raises for other reasons, or why a look-up failed.
    """
    for _ in range(_MOST_UNLISTED):
        try:
            return make(catalog), catalog
        except UnlistedRepository as unknown:
            catalog = with_row(catalog, _looked_up(unknown.repo_id, look_up, unknown))
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
        return with_row(catalog, replace(look_up_path(path), aliases=(text,)))
    try:
        find_checkpoint(text, catalog)
    except UnknownName as unknown:
        if look_up is None or reference_of(text) is None:
            return catalog
        return with_row(catalog, replace(_looked_up(text, look_up, unknown), aliases=(text,)))
    except UserError:
        return catalog
    return catalog


def _looked_up(name: str, look_up: LookUp, unknown: UserError) -> Model:
    """The row; when the hub is away, the nearest names we do know are still said."""
    try:
        return look_up(name)
    except HubAway as away:
        raise UserError(
            f"{unknown.sentence} {away.sentence}", suggestions=unknown.suggestions, field="model"
        ) from None


def _path(text: str) -> Path | None:
    """What the text names on this machine, if it is written as a path or is a GGUF file that is there."""
    is_path = text.startswith(("/", "./", "../", "~")) or text.lower().endswith(".gguf")
    is_address = text.lower().startswith(("http://", "https://"))
    if not is_path or is_address or "\0" in text or len(text) > _LONGEST_PATH:
        return None
    try:
        path = Path(text).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError):  # a name too long for the system, or a home that is none
        return None
