"""An HTTP/1.1 answer as it arrives in pieces, from a server that may be broken or hostile (pure)."""

import re
from typing import Final

_VERSION: Final = b"HTTP/1."
_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)(?: |$)")
_LARGEST_HEAD_BYTES: Final = 64 * 1024
_LONGEST_CHUNK_LINE: Final = 1024
_LINE_END: Final = b"\r\n"
_END_OF_HEAD: Final = _LINE_END + _LINE_END
_SWITCHING: Final = 101
_NO_BODY: Final = frozenset({204, 304})
_OK: Final = 200


class BrokenAnswer(Exception):
    """What came is no HTTP answer, or its end is missing."""


class HttpAnswer:
    """One answer. Feed it until it is `done`; what lies beyond the most bytes wanted is not kept.

    Attributes:
        done: Whether all of it has come, or as much as is wanted.
        keeps_open: Whether the connection may be used again once this is done.
    """

    def __init__(self, most_bytes: int) -> None:
        self.done = False
        self.keeps_open = False
        self._most = most_bytes
        self._status = 0
        self._body = bytearray()
        self._left: int | None = None  # of the body, or of the chunk that is coming; None is until the end
        self._chunked = False
        self._rest = b""  # what has come and could not be understood yet

    @property
    def body(self) -> bytes | None:
        """The body; None where the server does not have what was asked for."""
        return bytes(self._body) if self._status == _OK else None

    def feed(self, data: bytes) -> None:
        """Take what has arrived; nothing is the end of the connection. Raises BrokenAnswer."""
        if not data:
            if not self._status or self._chunked or self._left is not None:
                raise BrokenAnswer
            self.done = True
            return
        data, self._rest = self._rest + data, b""
        if not self._status:
            data = self._take_head(data)
        if self._status and not self.done:
            self._take_body(data)

    def _take_head(self, data: bytes) -> bytes:
        """Read the head once it is whole; returns what follows it."""
        while not self._status:
            head, end, data = data.partition(_END_OF_HEAD)
            if not end:
                if len(head) > _LARGEST_HEAD_BYTES or not head.startswith(_VERSION[: len(head)]):
                    raise BrokenAnswer
                self._rest = head
                return b""
            self._read_head(head)
        return data

    def _read_head(self, head: bytes) -> None:
        first, *lines = head.split(_LINE_END)
        status = _STATUS.match(first)
        if status is None or int(status[2]) == _SWITCHING:
            raise BrokenAnswer
        if status[2].startswith(b"1"):  # "continue", "early hints": the answer itself is still to come
            return
        fields: dict[bytes, bytes] = {}
        for line in lines:
            name, _, value = line.partition(b":")
            fields[name.strip().lower()] = value.strip().lower()
        self._status = int(status[2])
        self._chunked = b"chunked" in fields.get(b"transfer-encoding", b"")
        self.keeps_open = status[1] == b"1" and b"close" not in fields.get(b"connection", b"")
        if self._status in _NO_BODY:
            self.done = True
        elif self._chunked:
            self._left = 0
        elif b"content-length" in fields:
            self._left = _number(fields[b"content-length"], 10)
            self.done = self._left == 0
        else:
            self.keeps_open = False  # the end of the connection is the end of the body

    def _take_body(self, data: bytes) -> None:
        if self._chunked:
            self._take_chunks(data)
        else:
            self._keep(data if self._left is None else data[: self._left])
            if self._left is not None:
                self._left -= len(data)
                self.done = self.done or self._left <= 0
                self.keeps_open = self.keeps_open and self._left >= 0

    def _take_chunks(self, data: bytes) -> None:
        while data and not self.done:
            if self._left:  # inside a chunk; the line end behind it is counted in
                piece, data = data[: self._left], data[self._left :]
                self._keep(piece[: max(0, self._left - len(_LINE_END))])
                self._left -= len(piece)
                continue
            line, end, rest = data.partition(_LINE_END)
            if not end:
                if len(data) > _LONGEST_CHUNK_LINE:
                    raise BrokenAnswer
                self._rest = data
                return
            size = _number(line.partition(b";")[0].strip(), 16)
            if size == 0:
                self.done = True
                self.keeps_open = self.keeps_open and rest == _LINE_END  # trailers are not read
                return
            self._left, data = size + len(_LINE_END), rest

    def _keep(self, data: bytes) -> None:
        self._body += data[: self._most - len(self._body)]
        if len(self._body) >= self._most:
            self.done, self.keeps_open = True, False


def _number(text: bytes, base: int) -> int:
    try:
        value = int(text, base)
    except ValueError as error:
        raise BrokenAnswer from error
    if value < 0:
        raise BrokenAnswer
    return value
