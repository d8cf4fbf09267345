"""A folder with a config.json, or a GGUF file, on this machine -> what it says of its model."""

import datetime
from pathlib import Path
from typing import Final

from shared.errors import Unsupported, shown
from shared.hub.documents import Documents
from shared.hub.fields import read_json
from shared.hub.gguf.config import config_of_header, file_type_of
from shared.hub.gguf.header import read_header
from shared.hub.refusals import NotLookedUp
from shared.hub.safetensors import LENGTH_BYTES, header_bytes, parameters_by_type, plain_total

_MOST_CONFIG_BYTES: Final = 1024 * 1024
_MOST_FILES: Final = 2000


def read_local(path: Path, today: datetime.date) -> Documents:
    """Everything a folder or a GGUF file says of its model.

    Raises:
        UserError: There is nothing there, it cannot be read, or it is no model we can read.
    """
    try:
        return _folder(path, today) if path.is_dir() else _gguf(path, today)
    except OSError as error:
        raise NotLookedUp(f"{shown(str(path))} cannot be read ({error.strerror}).") from None


def _gguf(path: Path, today: datetime.date) -> Documents:
    with path.open("rb") as file:

        def read(offset: int, count: int) -> bytes:
            file.seek(offset)
            return file.read(count)

        header = read_header(read)
    is_split = "-of-0" in path.name
    return Documents(
        name=f"local/{path.stem}",
        place=f"the GGUF file {path.name}",
        config=config_of_header(header),
        parameters=0 if is_split else header.parameters,
        quantization=file_type_of(header),
        read_on=today,
    )


def _folder(path: Path, today: datetime.date) -> Documents:
    config = path / "config.json"
    if not config.is_file():
        files = sorted(path.glob("*.gguf"))[:_MOST_FILES]
        if len(files) == 1:
            return _gguf(files[0], today)
        raise Unsupported(
            f"{shown(str(path))} holds no config.json; name one of its GGUF files if it has any."
        )
    with config.open("rb") as file:
        text = file.read(_MOST_CONFIG_BYTES + 1)
    if len(text) > _MOST_CONFIG_BYTES:
        raise Unsupported(f"{shown(str(config))} is larger than any config.")
    parameters, dtype = _stored(path)
    return Documents(
        name=f"local/{path.resolve().name}",
        place=f"config.json in the folder {path.resolve().name}",
        config=read_json(text, "config.json"),
        parameters=parameters,
        dtype=dtype,
        read_on=today,
    )


def _stored(folder: Path) -> tuple[int, str | None]:
    """Parameters in all safetensors files of a folder, by their headers."""
    counts: dict[str, int] = {}
    for name in sorted(folder.glob("*.safetensors"))[:_MOST_FILES]:
        with name.open("rb") as file:
            header = file.read(header_bytes(file.read(LENGTH_BYTES)))
        for kind, count in parameters_by_type(header).items():
            counts[kind] = counts.get(kind, 0) + count
    return plain_total(counts)
