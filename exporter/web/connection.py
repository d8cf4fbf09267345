"""One connection: requests one after the other, each within its time, over plain TCP or TLS."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from exporter.web.message import LARGEST_HEAD_BYTES, BadRequest, Request, Response, parse_head, render

log: Final = logging.getLogger("fittingroom.exporter.web")

HEAD_SECONDS: Final = 10.0  # to send a request's head
IDLE_SECONDS: Final = 120.0  # between two requests; longer than a usual scrape interval
WRITE_SECONDS: Final = 30.0  # to take an answer
_SAFE_HEADERS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
)

Answer = Callable[[Request], Awaitable[Response]]


async def serve_connection(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    answer: Answer,
    count: Callable[[int], None],
    extra_headers: tuple[tuple[str, str], ...] = (),
) -> None:
    """Answer requests until the peer or a time limit ends the connection."""
    try:
        keep_alive, first = True, True
        while keep_alive:
            request = await _next_request(reader, HEAD_SECONDS if first else IDLE_SECONDS)
            if request is None:
                return
            if isinstance(request, Request):
                response, keep_alive = await answer(request), request.keep_alive
            else:
                response, keep_alive = problem(request.status), False
            head_only = isinstance(request, Request) and request.method == "HEAD"
            writer.write(
                render(
                    response,
                    head_only=head_only,
                    keep_alive=keep_alive,
                    extra=(*_SAFE_HEADERS, *extra_headers),
                )
            )
            count(response.status.value)
            async with asyncio.timeout(WRITE_SECONDS):
                await writer.drain()
            first = False
    except (OSError, TimeoutError) as error:  # the peer is gone or too slow: its loss
        log.debug("connection ended: %s", error)
    finally:
        writer.close()


async def _next_request(
    reader: asyncio.StreamReader, first_byte_seconds: float
) -> Request | BadRequest | None:
    """The next request; None when the peer is done or says nothing."""
    try:
        async with asyncio.timeout(first_byte_seconds):
            start = await reader.readexactly(1)
        async with asyncio.timeout(HEAD_SECONDS):
            head = start + await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, TimeoutError):
        return None
    except asyncio.LimitOverrunError:
        return BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    if len(head) > LARGEST_HEAD_BYTES:
        return BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    try:
        return parse_head(head.removesuffix(b"\r\n\r\n"))
    except BadRequest as bad:
        return bad


def problem(status: HTTPStatus) -> Response:
    """A refusal in one line."""
    allow = (("Allow", "GET, HEAD"),) if status is HTTPStatus.METHOD_NOT_ALLOWED else ()
    return Response(body=f"{status.value} {status.phrase}\n".encode(), status=status, headers=allow)
