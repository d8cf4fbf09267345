"""Texts compressed each on its own and joined into one gzip stream: a part that stays is compressed once."""

import struct
import zlib
from collections.abc import Sequence
from functools import cached_property
from typing import Final

_LEVEL: Final = 1
_RAW: Final = -zlib.MAX_WBITS  # deflate without header and checksum, which are of the whole stream
_HEADER: Final = bytes.fromhex("1f8b08000000000000ff")  # RFC 1952: deflate, no name, no time, any system
_LENGTH_WRAPS: Final = 1 << 32


class Part:
    """A text, plain and as deflate blocks that refer to nothing before them."""

    def __init__(self, plain: bytes) -> None:
        self.plain = plain

    @cached_property
    def deflated(self) -> bytes:
        """Whole blocks ending at a byte, none of them the stream's last; made when first wanted."""
        made = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
        return made.compress(self.plain) + made.flush(zlib.Z_FULL_FLUSH)


class Parts:
    """Parts in a row, to be ended by a short text that differs from answer to answer."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts

    @cached_property
    def _plain(self) -> bytes:
        return b"".join([part.plain for part in self._parts])

    @cached_property
    def _deflated(self) -> tuple[bytes, int, int]:
        """The beginning of the stream, with checksum and length of what it holds."""
        checksum = 0
        for part in self._parts:
            checksum = zlib.crc32(part.plain, checksum)
        length = sum(len(part.plain) for part in self._parts)
        return _HEADER + b"".join([part.deflated for part in self._parts]), checksum, length

    def ended(self, tail: bytes, *, gzip: bool) -> bytes:
        """All of it, plain or as one gzip stream."""
        if not gzip:
            return self._plain + tail
        start, checksum, length = self._deflated
        rest = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
        end = rest.compress(tail) + rest.flush()
        check = struct.pack("<LL", zlib.crc32(tail, checksum), (length + len(tail)) % _LENGTH_WRAPS)
        return start + end + check
