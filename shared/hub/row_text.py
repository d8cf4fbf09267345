"""A row as the TOML of a site's own facts file (pure)."""

import datetime
from typing import Any

import rtoml

from shared.catalog.rows import Model
from shared.catalog.validated import plain


def row_text(row: Model) -> str:
    """The table of a model, as `load_catalog` reads it back."""
    fields: dict[str, Any] = plain(row, without_defaults=True)
    del fields["id"]
    if row.released is not None:
        fields["released"] = row.released
    if isinstance(row.source.date, datetime.date):
        fields["source"]["date"] = row.source.date
    return rtoml.dumps({"models": {row.id: fields}}, none_value=None)
