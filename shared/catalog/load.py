"""The one reader of the facts: TOML files, checked row by row and against each other, become a Catalog."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.catalog.catalog import Catalog
from shared.catalog.rows import CloudPrice, DecodeSpeed, Engine, Gpu, Model, Quantization
from shared.errors import UserError

TABLES: Final = ("models", "gpus", "quantizations", "engines", "speeds", "prices")
_ORDER: Final = ("about.toml", "quantizations", "engines", "gpus", "models")


class _Tables(BaseModel):
    """Everything a set of files says, row by row under its id."""

    model_config = ConfigDict(strict=True, extra="forbid")

    models: dict[str, Model]
    gpus: dict[str, Gpu]
    quantizations: dict[str, Quantization]
    engines: dict[str, Engine]
    speeds: dict[str, DecodeSpeed]
    prices: dict[str, CloudPrice]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in a facts file, and what would be right."""

    file: str
    place: str  # table and field: "models.mixtral-8x22b.shape.layers"
    says: str

    def __str__(self) -> str:
        """The problem on one line: file, place, what is wrong."""
        return f"{self.file}: {self.place}: {self.says}" if self.place else f"{self.file}: {self.says}"


class BadFacts(UserError):
    """Facts that cannot be used; every problem of every file is in `problems`."""

    field = "catalog"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = "One problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(
            "\n".join((f"{count} in the catalog's facts:", *(str(problem) for problem in problems)))
        )
        self.problems = problems


@dataclass(slots=True)
class _Reading:
    """What has been read so far: raw rows, the file each came from, and what was wrong."""

    rows: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=lambda: {table: {} for table in TABLES}
    )
    origin: dict[tuple[str, str], str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    as_of: date = date.min


def load_catalog(site_file: Path | None = None) -> Catalog:
    """The shipped facts, with the rows of `site_file` added or put in place of shipped rows of the same id.

    Raises:
        BadFacts: A file cannot be read, a row is malformed, or a row names another that does not exist. All
            problems of all files are told at once.
    """
    reading = _Reading()
    for name, text in _shipped_files():
        _read_text(reading, name, text, replaces=False)
    if site_file is not None:
        _read_site_file(reading, site_file)
    tables = _validated(reading)
    if tables is not None:
        reading.problems.extend(_broken_references(tables, reading.origin))
        reading.problems.extend(_broken_references_of_numbers(tables, reading.origin))
    if reading.problems or tables is None:
        raise BadFacts(tuple(reading.problems))
    return Catalog.of(
        models=tables.models.values(),
        gpus=tables.gpus.values(),
        quantizations=tables.quantizations.values(),
        engines=tables.engines.values(),
        as_of=reading.as_of,
        speeds=tables.speeds.values(),
        prices=tables.prices.values(),
    )


def _shipped_files() -> Iterator[tuple[str, str]]:
    """Every facts file of the package as (name, text), in a stable order."""
    root = resources.files("shared.catalog").joinpath("facts")
    yield from sorted(_toml_files(root, ""), key=lambda file: (_rank(file[0]), file[0]))


def _toml_files(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _toml_files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".toml"):
            yield prefix + entry.name, entry.read_text(encoding="utf-8")


def _rank(name: str) -> int:
    return next((rank for rank, start in enumerate(_ORDER) if name.startswith(start)), len(_ORDER))


def _read_site_file(reading: _Reading, site_file: Path) -> None:
    try:
        text = site_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        reading.problems.append(Problem(file=str(site_file), place="", says=f"cannot be read: {reason}"))
    else:
        _read_text(reading, str(site_file), text, replaces=True)


def _read_text(reading: _Reading, file: str, text: str, *, replaces: bool) -> None:
    """Add the rows of one file to `reading`."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reading.problems.append(Problem(file=file, place="", says=f"is not TOML: {error}"))
        return
    as_of = content.pop("as_of", None)
    if isinstance(as_of, date):
        reading.as_of = max(reading.as_of, as_of)
    elif as_of is not None:
        reading.problems.append(Problem(file=file, place="as_of", says="must be a date such as 2026-11-22"))
    for table, rows in content.items():
        if table not in TABLES:
            says = f"is no table; the tables are {', '.join(TABLES)}"
            reading.problems.append(Problem(file=file, place=table, says=says))
        elif not isinstance(rows, dict):
            says = f'must hold one table per row: [{table}."the-id"]'
            reading.problems.append(Problem(file=file, place=table, says=says))
        else:
            _add_rows(reading, file, table, rows, replaces=replaces)


def _add_rows(reading: _Reading, file: str, table: str, rows: Mapping[str, Any], *, replaces: bool) -> None:
    for row_id, row in rows.items():
        place = f"{table}.{row_id}"
        if not isinstance(row, dict):
            reading.problems.append(Problem(file=file, place=place, says="must be a table of fields"))
        elif not replaces and row_id in reading.rows[table]:
            says = f"is in {reading.origin[table, row_id]} as well; an id belongs to one row"
            reading.problems.append(Problem(file=file, place=place, says=says))
        else:
            reading.rows[table][row_id] = {"id": row_id, **row}
            reading.origin[table, row_id] = file


def _validated(reading: _Reading) -> _Tables | None:
    """The rows as typed values, or None with the problems noted.

    The rows go through JSON because pydantic's strict mode takes a list for a tuple and a text for an enum only
    from JSON, and still refuses a quoted number there.
    """
    try:
        return _Tables.model_validate_json(json.dumps(reading.rows, default=_json_value))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            table, row_id, *fields = (str(part) for part in detail["loc"])
            place = ".".join((table, row_id, *fields))
            file = reading.origin.get((table, row_id), "?")
            reading.problems.append(
                Problem(file=file, place=place, says=_in_words(detail["type"], detail["msg"]))
            )
        return None


def _json_value(value: object) -> object:
    """TOML's dates as JSON writes them; anything else JSON lacks stays wrong and is told by its field."""
    return str(value)


_WORDS: Final = {
    "missing": "is required and missing",
    "extra_forbidden": "is no field of this table; check its spelling",
}


def _in_words(kind: str, message: str) -> str:
    """Pydantic's message as the rest of our sentence."""
    return _WORDS.get(kind, message[:1].lower() + message[1:])


def _broken_references_of_numbers(
    tables: _Tables, origin: Mapping[tuple[str, str], str]
) -> Iterator[Problem]:
    """A problem for every speed or price of a GPU or engine which is not there."""
    for speed in tables.speeds.values():
        if speed.engine not in tables.engines:
            says = f"there is no engine '{speed.engine}'; the engines are {', '.join(tables.engines)}"
            yield Problem(file=origin["speeds", speed.id], place=f"speeds.{speed.id}.engine", says=says)
        for missing in (one for one in speed.measured_on if one not in tables.gpus):
            says = f"there is no GPU '{missing}'"
            yield Problem(file=origin["speeds", speed.id], place=f"speeds.{speed.id}.measured_on", says=says)
    for price in tables.prices.values():
        if price.gpu not in tables.gpus:
            says = f"there is no GPU '{price.gpu}'"
            yield Problem(file=origin["prices", price.id], place=f"prices.{price.id}.gpu", says=says)


def _broken_references(tables: _Tables, origin: Mapping[tuple[str, str], str]) -> Iterator[Problem]:
    """A problem for every row that names a row which is not there."""
    for model in tables.models.values():
        named = (
            ("native_quantization", [model.native_quantization]),
            ("quantized_repos", [repo.quantization for repo in model.quantized_repos]),
        )
        for name, ids in named:
            for missing in (one for one in ids if one not in tables.quantizations):
                says = f"there is no quantization '{missing}'"
                yield Problem(file=origin["models", model.id], place=f"models.{model.id}.{name}", says=says)
    for quantization in tables.quantizations.values():
        for missing in (one for one in quantization.engines if one not in tables.engines):
            place = f"quantizations.{quantization.id}.engines"
            says = f"there is no engine '{missing}'; the engines are {', '.join(tables.engines)}"
            yield Problem(file=origin["quantizations", quantization.id], place=place, says=says)
