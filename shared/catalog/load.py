"""The one way to the catalog: the facts files, checked row by row and against each other."""

import json
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.catalog.catalog import Catalog
from shared.catalog.facts_files import Problem, RawFacts, read_facts
from shared.catalog.references import broken_references
from shared.catalog.rows import CloudInstances, CloudPrice, DecodeSpeed, Engine, Gpu, Model, Quantization
from shared.errors import UserError


class BadFacts(UserError):
    """Facts that cannot be used; every problem of every file is in `problems`."""

    field = "catalog"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = "One problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = (f"{count} in the catalog's facts:", *(str(problem) for problem in problems))
        super().__init__("\n".join(lines))
        self.problems = problems


class _Tables(BaseModel):
    """Everything a set of files says, row by row under its id."""

    model_config = ConfigDict(strict=True, extra="forbid")

    models: dict[str, Model]
    gpus: dict[str, Gpu]
    quantizations: dict[str, Quantization]
    engines: dict[str, Engine]
    speeds: dict[str, DecodeSpeed]
    prices: dict[str, CloudPrice]
    instances: dict[str, CloudInstances]


def load_catalog(site_file: Path | None = None) -> Catalog:
    """The shipped facts, with the rows of `site_file` added or put in place of shipped rows of the same id.

    Raises:
        BadFacts: A file cannot be read, a row is malformed, or a row names another that does not exist. All
            problems of all files are told at once.
    """
    facts = read_facts(site_file)
    tables = _validated(facts)
    if tables is not None:
        for broken in broken_references(tables):
            facts.note(broken.table, broken.row_id, broken.says, broken.field)
    if facts.problems or tables is None:
        raise BadFacts(tuple(facts.problems))
    return Catalog.of(
        models=tables.models.values(),
        gpus=tables.gpus.values(),
        quantizations=tables.quantizations.values(),
        engines=tables.engines.values(),
        as_of=facts.as_of,
        speeds=tables.speeds.values(),
        prices=tables.prices.values(),
        instances=tables.instances.values(),
    )


def _validated(facts: RawFacts) -> _Tables | None:
    """The rows as typed values, or None with the problems noted.

    The rows go through JSON because pydantic's strict mode takes a list for a tuple and a text for an enum only
    from JSON, and still refuses a quoted number there.
    """
    try:
        return _Tables.model_validate_json(
            json.dumps(facts.rows, default=str)
        )  # TOML's dates as JSON writes them
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            table, row_id, *fields = (str(part) for part in detail["loc"])
            facts.note(table, row_id, _in_words(detail["type"], detail["msg"]), *fields)
        return None


_WORDS: Final = {
    "missing": "is required and missing",
    "unexpected_keyword_argument": "is no field of this table; check its spelling",
}


def _in_words(kind: str, message: str) -> str:
    """Pydantic's message as the rest of our sentence."""
    return _WORDS.get(kind, message[:1].lower() + message[1:])
