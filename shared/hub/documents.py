"""What a repository, folder or file says of one model, before it is made a row."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """Everything read of one model.

    Attributes:
        name: "org/name", or a folder's or file's name.
        place: Where it was read, for the source of the row: an address or "a local folder".
        config: config.json.
        parameters: Weights the files hold, as their headers say; 0 when that is not known (or they are packed).
        dtype: The type most of them are stored in ("BF16"); None when that is not known.
        quantization: Id of the quantization where the file itself says it (GGUF); None where the config does.
    """

    name: str
    place: str
    config: Mapping[str, Any]
    read_on: datetime.date
    parameters: int = 0
    dtype: str | None = None
    quantization: str | None = None
    license: str = "unknown"
    gated: bool = False
    released: datetime.date | None = None
