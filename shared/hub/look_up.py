"""A model nobody listed -> its row: from this machine, from what is kept, or from the hub."""

import datetime
import time
from collections.abc import Callable
from pathlib import Path

from shared.catalog.rows import Model
from shared.errors import UnknownName
from shared.hub.kept_rows import keep_row, kept_row
from shared.hub.local import read_local
from shared.hub.reference import Reference, reference_of
from shared.hub.refusals import offline
from shared.hub.repository import read_repository
from shared.hub.row import model_row
from shared.hub.settings import HubSettings


def _quiet(_: str) -> None:
    """No progress."""


def look_up(name: str, settings: HubSettings, *, progress: Callable[[str], None] = _quiet) -> Model:
    """The row of a repository: "org/name", "org/name:Q4_K_M" or its web address.

    Raises:
        UserError: It cannot be read, with the reason.
    """
    reference = reference_of(name)
    if reference is None:
        raise UnknownName("model", name)
    key = _key(reference, settings)
    kept = kept_row(
        settings.cache_folder, key, time.time(), None if settings.offline else settings.max_age_seconds
    )
    if kept is not None:
        return kept
    if settings.offline:
        raise offline(reference.repo_id)
    row = model_row(read_repository(reference, settings, _today(), progress))
    keep_row(settings.cache_folder, key, row, time.time())
    return row


def look_up_local(path: Path) -> Model:
    """The row of a folder with a config.json, or of a GGUF file.

    Raises:
        UserError: It cannot be read, with the reason.
    """
    return model_row(read_local(path, _today()))


def _key(reference: Reference, settings: HubSettings) -> str:
    return " ".join(
        (settings.endpoint, reference.repo_id, reference.file or "", reference.quantization or "")
    )


def _today() -> datetime.date:
    return datetime.datetime.now(tz=datetime.UTC).date()
