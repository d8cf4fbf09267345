"""Protocol buffers' wire format, as far as reading a message of strings and messages needs it (pure)."""

from collections.abc import Iterator
from typing import Final

_VARINT: Final = 0
_FIXED64: Final = 1
_BYTES: Final = 2
_FIXED32: Final = 5
_MOST_VARINT_BYTES: Final = 10


class BadMessage(Exception):
    """Bytes that are no protobuf message."""


def fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of each field that holds bytes (strings, messages); other fields are passed over.

    Raises:
        BadMessage: The bytes end early or hold a wire type that does not exist.
    """
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, wire = key >> 3, key & 7
        if wire == _BYTES:
            size, position = _varint(message, position)
            if position + size > len(message):
                raise BadMessage("a field is longer than its message")
            yield number, message[position : position + size]
            position += size
        elif wire == _VARINT:
            _, position = _varint(message, position)
        elif wire in {_FIXED64, _FIXED32}:
            position += 8 if wire == _FIXED64 else 4
        else:
            raise BadMessage(f"wire type {wire}")
    if position > len(message):
        raise BadMessage("a number is cut off")


def text(content: bytes) -> str:
    """A field's content as text."""
    return content.decode("utf-8", "replace")


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift, byte in enumerate(message[position : position + _MOST_VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, position + shift + 1
    raise BadMessage("a number does not end")
