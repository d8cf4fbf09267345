"""What every row of the catalog is: frozen, strict, and able to say where its facts come from."""

import datetime
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar


class Limits:
    """What a value must keep to, in the words of pydantic's schemas: gt, ge, le, min_length, pattern.

    Rows are validated where they come from outside (`shared.catalog.validated`). The mark itself needs no pydantic,
    so that a run whose catalog was validated before never imports it.
    """

    def __init__(self, **words: float | str) -> None:
        self._words = words

    def __get_pydantic_core_schema__(self, source: object, handler: Any) -> dict[str, Any]:
        return {**handler(source), **self._words}


Count = Annotated[int, Limits(ge=0)]
Positive = Annotated[int, Limits(gt=0)]


class Row:
    """A frozen, strict row: no unknown keys, no text where a number belongs.

    Rows are plain dataclasses; to change one, make another with `dataclasses.replace`.
    """

    __pydantic_config__: ClassVar = {"strict": True, "extra": "forbid", "revalidate_instances": "always"}


class SourceKind(StrEnum):
    """How we know a fact."""

    VENDOR = "vendor"
    CONFIG = "config"
    ENGINE_SOURCE = "engine source"
    ENGINE_LOG = "engine log"
    NVML = "nvml"
    MEASURED = "measured"
    PUBLISHED = "published"
    DERIVED = "derived"
    RECALLED = "recalled"


@dataclass(frozen=True, kw_only=True)
class Source(Row):
    """Where a fact comes from: `text` is an address or a citation, `kind` how much to trust it."""

    kind: SourceKind
    text: Annotated[str, Limits(min_length=3)]
    date: datetime.date | None = None
