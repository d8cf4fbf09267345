"""HTTP/1.1 as far as an exporter needs it: requests without a body in, whole responses out (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, urlsplit

LARGEST_HEAD_BYTES: Final = 16 * 1024
_METHODS: Final = frozenset({"GET", "HEAD"})


class BadRequest(Exception):
    """Something we do not answer; `status` says how we say so."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request; header names are lower case, repeated headers are joined by a comma."""

    method: str
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    keep_alive: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response; its length and date are added on the way out."""

    body: bytes = b""
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


def parse_head(head: bytes) -> Request:
    """The request of a head (everything before the empty line).

    Raises:
        BadRequest: It is none, has a body, or asks for something other than reading.
    """
    try:
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, version = first.split(" ")
    except ValueError as error:
        raise BadRequest(HTTPStatus.BAD_REQUEST) from error
    if version not in {"HTTP/1.0", "HTTP/1.1"} or not target.startswith("/"):
        raise BadRequest(HTTPStatus.BAD_REQUEST)
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequest(HTTPStatus.BAD_REQUEST)
        key, value = name.lower(), value.strip()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    if method not in _METHODS:
        raise BadRequest(HTTPStatus.METHOD_NOT_ALLOWED)
    if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        raise BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    connection = headers.get("connection", "").lower()
    try:
        url = urlsplit(target)
        query = parse_qs(url.query, max_num_fields=100)
    except ValueError as error:
        raise BadRequest(HTTPStatus.BAD_REQUEST) from error
    return Request(
        method=method,
        path=url.path,
        query=query,
        headers=headers,
        keep_alive="close" not in connection if version == "HTTP/1.1" else "keep-alive" in connection,
    )


def render(
    response: Response, *, head_only: bool, keep_alive: bool, extra: tuple[tuple[str, str], ...] = ()
) -> bytes:
    """The response as it goes over the wire; `extra` headers are those of every response."""
    lines = [
        f"HTTP/1.1 {response.status.value} {response.status.phrase}",
        f"Content-Type: {response.content_type}",
        f"Content-Length: {len(response.body)}",
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
        *(f"{name}: {value}" for name, value in (*response.headers, *extra)),
    ]
    head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
    return head if head_only else head + response.body
