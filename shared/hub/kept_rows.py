"""Rows that were looked up, kept on disk with their age; whatever is wrong with a kept row means asking again."""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from shared.catalog.rows import Model
from shared.catalog.validated import plain, row_of_json

_FORMAT: Final = 1  # raised when a row of an earlier version of ours would be read otherwise today
_MOST_BYTES: Final = 1024 * 1024


def kept_row(folder: Path | None, key: str, now: float, max_age_seconds: float | None) -> Model | None:
    """The row kept under a key if it is young enough (None: however old it is), or None."""
    if folder is None:
        return None
    try:
        file = _file(folder, key)
        if file.stat().st_size > _MOST_BYTES:
            return None
        kept = json.loads(file.read_bytes())
        age = now - float(kept["read_at"])
        if kept["format"] != _FORMAT or kept["key"] != key:
            return None
        if max_age_seconds is not None and not 0 <= age <= max_age_seconds:
            return None
        return row_of_json(Model, json.dumps(kept["row"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError, ValidationError):
        return None


def keep_row(folder: Path | None, key: str, row: Model, now: float) -> None:
    """Keep a row where that is possible; it never matters when it is not."""
    if folder is None:
        return
    kept = {
        "format": _FORMAT,
        "key": key,
        "read_at": now,
        "row": plain(row, without_absent=True),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as file:
            json.dump(kept, file)
        os.replace(file.name, _file(folder, key))  # noqa: PTH105 - a half-written row is never seen
    except OSError:
        return


def _file(folder: Path, key: str) -> Path:
    return folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
