"""The text of facts files as raw rows, each with the file it stands in; what is wrong is noted, not raised."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import rtoml

TABLES: Final = ("models", "gpus", "quantizations", "engines", "speeds", "prices", "instances")
SAME_SHAPE: Final = "same_shape_as"
SHIPPED_PRICES: Final = "shipped_prices"  # false in a site's file leaves out the prices we ship
_ORDER: Final = ("about.toml", "quantizations", "engines", "gpus", "models")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in a facts file, and what would be right."""

    file: str
    place: str  # table and field: "models.mixtral-8x22b.shape.layers"
    says: str

    def __str__(self) -> str:
        """The problem on one line: file, place, what is wrong."""
        return f"{self.file}: {self.place}: {self.says}" if self.place else f"{self.file}: {self.says}"


@dataclass(slots=True)
class RawFacts:
    """What has been read so far: rows by table and id, the file each came from, and what was wrong."""

    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {name: {} for name in TABLES})
    origin: dict[tuple[str, str], str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    as_of: date = date.min

    def note(self, table: str, row_id: str, says: str, *fields: str) -> None:
        """Note what is wrong with a row, under the file it came from."""
        place = ".".join((table, row_id, *fields))
        self.problems.append(Problem(file=self.origin.get((table, row_id), "?"), place=place, says=says))


def read_facts(site_file: Path | None) -> RawFacts:
    """The shipped rows, with those of `site_file` added or put in place of shipped rows of the same id."""
    facts = RawFacts()
    for name, text in _shipped_files():
        _read_text(facts, name, text, replaces=False)
    if site_file is not None:
        _read_site_file(facts, site_file)
    _lend_shapes(facts)
    return facts


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


def _read_site_file(facts: RawFacts, site_file: Path) -> None:
    try:
        text = site_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        facts.problems.append(Problem(file=str(site_file), place="", says=f"cannot be read: {reason}"))
    else:
        _read_text(facts, str(site_file), text, replaces=True)


def _read_text(facts: RawFacts, file: str, text: str, *, replaces: bool) -> None:
    """Add the rows of one file to `facts`."""
    try:
        content = rtoml.loads(text)
    except rtoml.TomlParsingError as error:
        facts.problems.append(Problem(file=file, place="", says=f"is not TOML: {error}"))
        return
    if replaces:
        _leave_out_prices(facts, file, content.pop(SHIPPED_PRICES, True))
    as_of = content.pop("as_of", None)
    if isinstance(as_of, date):
        facts.as_of = max(facts.as_of, as_of)
    elif as_of is not None:
        facts.problems.append(Problem(file=file, place="as_of", says="must be a date such as 2026-11-22"))
    for table, rows in content.items():
        if table not in TABLES:
            says = f"is no table; the tables are {', '.join(TABLES)}"
            facts.problems.append(Problem(file=file, place=table, says=says))
        elif not isinstance(rows, dict):
            says = f'must hold one table per row: [{table}."the-id"]'
            facts.problems.append(Problem(file=file, place=table, says=says))
        else:
            _add_rows(facts, file, table, rows, replaces=replaces)


def _leave_out_prices(facts: RawFacts, file: str, kept: object) -> None:
    """A site that does not want our prices, which are stale within weeks, says so once; its own rows stay."""
    if kept is False:
        facts.rows["prices"].clear()
    elif kept is not True:
        facts.problems.append(Problem(file=file, place=SHIPPED_PRICES, says="must be true or false"))


def _add_rows(facts: RawFacts, file: str, table: str, rows: Mapping[str, Any], *, replaces: bool) -> None:
    for row_id, row in rows.items():
        place = f"{table}.{row_id}"
        if not isinstance(row, dict):
            facts.problems.append(Problem(file=file, place=place, says="must be a table of fields"))
        elif not replaces and row_id in facts.rows[table]:
            says = f"is in {facts.origin[table, row_id]} as well; an id belongs to one row"
            facts.problems.append(Problem(file=file, place=place, says=says))
        else:
            facts.rows[table][row_id] = {"id": row_id, **row}
            facts.origin[table, row_id] = file


def _lend_shapes(facts: RawFacts) -> None:
    """Models that are another model tuned further take its shape and towers instead of repeating them."""
    models = facts.rows["models"]
    for model_id, row in models.items():
        if SAME_SHAPE not in row:
            continue
        lender = models.get(str(row.pop(SAME_SHAPE)), {})
        if "shape" in row:
            facts.note("models", model_id, "give shape or same_shape_as, not both", SAME_SHAPE)
        elif "shape" not in lender:
            facts.note("models", model_id, "must be the id of a model with a shape of its own", SAME_SHAPE)
        else:
            row["shape"] = lender["shape"]
            row.setdefault("towers", lender.get("towers", []))
