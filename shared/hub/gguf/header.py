"""The header of a GGUF file: its metadata and tensor list, read in bounded steps from wherever the bytes are (pure).

Our own reader rather than the `gguf` package, which maps a whole local file into numpy: a file on a hub is tens of
GiB of which the header is a few MiB, and a stranger's header must not decide how much memory we take.
Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little-endian).
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.errors import Unsupported

MAGIC: Final = b"GGUF"
MOST_HEADER_BYTES: Final = 64 * 1024 * 1024
STEP_BYTES: Final = 1024 * 1024
_MOST_KEYS: Final = 4096
_MOST_TENSORS: Final = 65_536
_LONGEST_NAME: Final = 65_535
_LONGEST_TEXT: Final = 4 * 1024 * 1024
_MOST_ELEMENTS: Final = 4_000_000
_MOST_KEPT: Final = 2048  # of an array: per-layer values; vocabularies are only counted
_MOST_PARAMETERS: Final = 2**45

_SCALARS: Final[Mapping[int, str]] = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_TEXT: Final = 8
_ARRAY: Final = 9

Read = Callable[
    [int, int], bytes
]  # (offset, at most so many bytes) -> bytes; fewer only at the end of the file


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufHeader:
    """What a GGUF file says of itself.

    Attributes:
        metadata: Scalars, texts and short number lists by key; of longer lists only their length, in `lengths`.
        tensors: Name -> dimensions, the row length first.
    """

    metadata: Mapping[str, Any]
    lengths: Mapping[str, int]
    tensors: Mapping[str, tuple[int, ...]]

    @property
    def parameters(self) -> int:
        """Weights in the file. Rope factors are no weights."""
        return sum(_product(shape) for name, shape in self.tensors.items() if not name.startswith("rope_"))


def read_header(read: Read) -> GgufHeader:
    """The header of the file behind `read`.

    Raises:
        Unsupported: It is no GGUF file, of another version or byte order, cut short, or larger than any header is.
    """
    cursor = _Cursor(read)
    if cursor.take(4) != MAGIC:
        raise Unsupported("The file does not begin as a GGUF file does.")
    version = cursor.number("<I")
    if version not in (2, 3):
        raise Unsupported(f"The GGUF file is of version {version}; I read 2 and 3, little-endian.")
    tensor_count = cursor.number("<Q")
    key_count = cursor.number("<Q")
    if tensor_count > _MOST_TENSORS or key_count > _MOST_KEYS:
        raise Unsupported("The GGUF header names more tensors or keys than any model has.")
    metadata: dict[str, Any] = {}
    lengths: dict[str, int] = {}
    for _ in range(key_count):
        key = cursor.text(_LONGEST_NAME)
        _read_value(cursor, key, metadata, lengths)
    tensors: dict[str, tuple[int, ...]] = {}
    for _ in range(tensor_count):
        name = cursor.text(_LONGEST_NAME)
        tensors[name] = _dimensions(cursor)
        cursor.take(4 + 8)  # type and offset
    return GgufHeader(metadata=metadata, lengths=lengths, tensors=tensors)


def _dimensions(cursor: "_Cursor") -> tuple[int, ...]:
    count = cursor.number("<I")
    if not 1 <= count <= 4:
        raise Unsupported(f"The GGUF header has a tensor of {count} dimensions.")
    shape = tuple(cursor.number("<Q") for _ in range(count))
    if _product(shape) > _MOST_PARAMETERS:
        raise Unsupported("The GGUF header has a tensor larger than any model.")
    return shape


def _product(shape: tuple[int, ...]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product


def _read_value(cursor: "_Cursor", key: str, metadata: dict[str, Any], lengths: dict[str, int]) -> None:
    kind = cursor.number("<I")
    if kind == _TEXT:
        metadata[key] = cursor.text(_LONGEST_TEXT)[:_LONGEST_NAME]
    elif kind == _ARRAY:
        inner, length = cursor.number("<I"), cursor.number("<Q")
        if length > _MOST_ELEMENTS:
            raise Unsupported("The GGUF header has a list longer than any vocabulary.")
        lengths[key] = length
        if inner == _TEXT:
            cursor.skip_texts(length)
        else:
            form = _form(inner)
            content = cursor.take(length * struct.calcsize(form))
            if length <= _MOST_KEPT:
                metadata[key] = [value for (value,) in struct.iter_unpack(form, content)]
    else:
        metadata[key] = cursor.number(_form(kind))


def _form(kind: int) -> str:
    form = _SCALARS.get(kind)
    if form is None:
        raise Unsupported("The GGUF header has a value of an unknown type.")
    return form


class _Cursor:
    """A place in the file, with the bytes after it read ahead a step at a time."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._held = b""
        self._at = 0  # in what is held
        self._next = 0  # offset in the file of the first byte not held

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        self._hold(count)
        taken = self._held[self._at : self._at + count]
        self._at += count
        return taken

    def _hold(self, count: int) -> None:
        while len(self._held) - self._at < count:
            step = max(STEP_BYTES, count - (len(self._held) - self._at))
            if self._next + step > MOST_HEADER_BYTES:
                raise Unsupported(f"The GGUF header is larger than {MOST_HEADER_BYTES // 1024**2} MiB.")
            more = self._read(self._next, step)
            if not more:
                raise Unsupported("The GGUF file ends within its header.")
            self._held = self._held[self._at :] + more[:step]
            self._at = 0
            self._next += len(more[:step])

    def number(self, form: str) -> Any:
        """One scalar."""
        (value,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return value

    def text(self, longest: int) -> str:
        """A text with its length before it."""
        length = self.number("<Q")
        if length > longest:
            raise Unsupported("The GGUF header has a text longer than any name or template.")
        return self.take(length).decode("utf-8", errors="replace")

    def skip_texts(self, count: int) -> None:
        """Pass over a list of texts."""
        for _ in range(count):
            length = self.number("<Q")
            if length > _LONGEST_NAME:
                raise Unsupported("The GGUF header has a token longer than any is.")
            self.take(length)
