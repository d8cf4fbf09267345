"""Models nobody listed, in a shell: looked up as the environment says, what is being read told on stderr.

The look-up itself is imported when one is needed: most questions name models of the catalog.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Model
from shared.question.parse import parse_question
from shared.question.query import Query
from shared.question.unlisted import UnlistedRepository

if TYPE_CHECKING:
    from shared.hub.refusals import HubAway
    from shared.hub.settings import HubSettings
    from shared.hub.unlisted import LookUp

_AWAY: dict[str, "HubAway"] = {}  # hubs that did not answer in this run: a batch of questions asks once


def query_and_catalog(text: str, catalog: Catalog) -> tuple[Query, Catalog]:
    """A question, and the catalog with every model it names. Raises UserError."""
    try:
        return parse_question(text, catalog), catalog
    except UnlistedRepository:
        look_up = _look_up()
        if look_up is None:
            raise
        from shared.hub.unlisted import with_unlisted

        return with_unlisted(lambda facts: parse_question(text, facts), catalog, look_up)


def catalog_with(model: Any, catalog: Catalog) -> Catalog:
    """The catalog with the model of a flag: a name, repository, address, folder or GGUF file. Raises UserError."""
    if not isinstance(model, str) or model in catalog.models:
        return catalog
    from shared.hub.unlisted import with_model

    return with_model(model, catalog, _look_up(), _look_up_path)


def _look_up() -> "LookUp | None":
    from shared.hub.settings import hub_settings

    settings = hub_settings(os.environ)
    return None if settings is None else lambda name: _looked_up(name, settings)


def _looked_up(name: str, settings: "HubSettings") -> Model:
    from shared.hub.look_up import look_up
    from shared.hub.refusals import HubAway

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
