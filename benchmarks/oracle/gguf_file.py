"""A GGUF file with a real header and no content: as long as the model, and on disk almost nothing.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 3. llama-fit-params reads the header only.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Final

from shared.memory.gguf_types import GGUF_TYPES
from shared.units import pad

ALIGNMENT: Final = 32
# ggml_type: https://github.com/ggml-org/llama.cpp/blob/0c1e57098/ggml/include/ggml.h
TYPE_NUMBERS: Final = {
    "f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "q2_K": 10, "q3_K": 11, "q4_K": 12,
    "q5_K": 13, "q6_K": 14, "iq2_xxs": 16, "iq2_xs": 17, "iq3_xxs": 18, "iq1_s": 19, "iq4_nl": 20, "iq3_s": 21,
    "iq2_s": 22, "iq4_xs": 23, "iq1_m": 29, "bf16": 30, "tq1_0": 34, "tq2_0": 35, "mxfp4": 39,
}  # fmt: skip

Value = bool | int | float | str | Sequence[bool] | Sequence[int] | Sequence[float]


@dataclass(frozen=True, slots=True)
class FileTensor:
    """One tensor of the file: its full name, its dimensions with the row length first, its type."""

    name: str
    dimensions: tuple[int, ...]
    type: str

    @property
    def size_bytes(self) -> int:
        """Bytes of its content."""
        return GGUF_TYPES[self.type].row_bytes(self.dimensions[0]) * prod(self.dimensions[1:])


def write_sparse(path: Path, metadata: Mapping[str, Value], tensors: Sequence[FileTensor]) -> None:
    """Write the header and make the file as long as its tensors."""
    parts = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(metadata))]
    parts += [_text(key) + _value(value) for key, value in metadata.items()]
    offset = 0
    for tensor in tensors:
        count = len(tensor.dimensions)
        parts.append(_text(tensor.name) + struct.pack(f"<I{count}Q", count, *tensor.dimensions))
        parts.append(struct.pack("<IQ", TYPE_NUMBERS[tensor.type], offset))
        offset += pad(tensor.size_bytes, ALIGNMENT)
    header = b"".join(parts)
    header += b"\0" * (-len(header) % ALIGNMENT)
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + offset)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def _value(value: Value) -> bytes:
    """A value with its type before it."""
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if isinstance(value, Sequence):
        kind, form = _scalar_type(value[0])
        return struct.pack("<IIQ", 9, kind, len(value)) + b"".join(struct.pack(form, one) for one in value)
    kind, form = _scalar_type(value)
    return struct.pack("<I", kind) + struct.pack(form, value)


def _scalar_type(value: str | float) -> tuple[int, str]:
    """Number of the type, and how it is packed."""
    if isinstance(value, bool):
        return 7, "<?"
    return (4, "<I") if isinstance(value, int) else (6, "<f")
