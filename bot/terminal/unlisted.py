"""Models nobody listed, in a shell: looked up as the environment says, what is being read told on stderr."""

import os
import sys
from pathlib import Path
from typing import Any

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Model
from shared.hub.refusals import HubAway
from shared.hub.settings import HubSettings, hub_settings
from shared.hub.unlisted import LookUp, with_model, with_unlisted
from shared.question.parse import parse_question
from shared.question.query import Query
from shared.question.unlisted import UnlistedRepository

_AWAY: dict[str, HubAway] = {}  # hubs that did not answer in this run: a batch of questions asks once


def query_and_catalog(text: str, catalog: Catalog) -> tuple[Query, Catalog]:
    """A question, and the catalog with every model it names. Raises UserError."""
    try:
        return parse_question(text, catalog), catalog
    except UnlistedRepository:
        look_up = _look_up()
        if look_up is None:
            raise
        return with_unlisted(lambda facts: parse_question(text, facts), catalog, look_up)


def catalog_with(model: Any, catalog: Catalog) -> Catalog:
    """The catalog with the model of a flag: a name, repository, address, folder or GGUF file. Raises UserError."""
    if not isinstance(model, str) or model in catalog.models:
        return catalog
    return with_model(model, catalog, _look_up(), _look_up_path)


def _look_up() -> LookUp | None:
    settings = hub_settings(os.environ)
    return None if settings is None else lambda name: _looked_up(name, settings)


def _looked_up(name: str, settings: HubSettings) -> Model:
    from shared.hub.look_up import look_up

    if settings.endpoint in _AWAY:
        raise _AWAY[settings.endpoint]
    try:
        return look_up(name, settings, progress=_tell)
    except HubAway as away:
        _AWAY[settings.endpoint] = away
        raise


def _look_up_path(path: Path) -> Model:
    from shared.hub.look_up import look_up_local

    return look_up_local(path)


def _tell(step: str) -> None:
    """Progress, only for a person who watches."""
    if sys.stderr.isatty():
        print(f"fit: {step} …", file=sys.stderr)
