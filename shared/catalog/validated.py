"""Rows from outside, validated, and rows as plain values to go outside."""

from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from shared.catalog.row import Row

Kind = TypeVar("Kind", bound=Row)
_ADAPTERS: Final[dict[type[Row], TypeAdapter[Any]]] = {}


def checked(row: Kind) -> Kind:
    """The row that our own code made of outside values, validated with all rows in it. Raises ValidationError."""
    valid: Kind = _adapter(type(row)).validate_python(row)
    return valid


def first_problem(error: ValueError) -> str:
    """Where a row that cannot be is wrong, as half a sentence without the value: that may be anything."""
    if not isinstance(error, ValidationError):
        return str(error)
    problem = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {problem['msg']}" if place else problem["msg"]


def row_of_json(kind: type[Kind], text: str | bytes) -> Kind:
    """A row as JSON wrote it. Raises pydantic's ValidationError."""
    row: Kind = _adapter(kind).validate_json(text)
    return row


def plain(row: Row, *, without_defaults: bool = False, without_absent: bool = False) -> dict[str, Any]:
    """The row as JSON's types, by choice without what equals its default or is None."""
    adapter = _adapter(type(row))
    fields: dict[str, Any] = adapter.dump_python(
        row, mode="json", exclude_defaults=without_defaults, exclude_none=without_absent
    )
    return fields


def _adapter(kind: type[Row]) -> TypeAdapter[Any]:
    """The adapter of a row type, made once."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]
