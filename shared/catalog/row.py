"""What every row of the catalog is: frozen, strict, and able to say where its facts come from."""

import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(gt=0)]


class Row(BaseModel):
    """A frozen, strict row: no unknown keys, no text where a number belongs."""

    # schemas are built when first used: the catalog needs the one of its tables, not one more per row type
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)


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


class Source(Row):
    """Where a fact comes from: `text` is an address or a citation, `kind` how much to trust it."""

    kind: SourceKind
    text: Annotated[str, Field(min_length=3)]
    date: datetime.date | None = None
