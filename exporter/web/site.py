"""What is at which path."""

import asyncio
import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from exporter.exposition import OPENMETRICS, TEXT, wants_gzip, wants_openmetrics
from exporter.page import ASSETS
from exporter.published import Board, Encoded, Published
from exporter.tally import Tally
from exporter.web.connection import problem
from exporter.web.message import Request, Response
from shared.node_report import NODE_REPORT_PATH

log: Final = logging.getLogger("fittingroom.exporter.web")

_SCRAPE_TIMEOUT_HEADER: Final = "x-prometheus-scrape-timeout-seconds"
_LONGEST_FIRST_WAIT_SECONDS: Final = 5.0
_MARGIN_SECONDS: Final = 0.5  # for the answer to travel before Prometheus gives up
_GZIPPED: Final = (("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding"))
_PLAIN: Final = (("Vary", "Accept-Encoding"),)
_PAGE_POLICY: Final = (
    "Content-Security-Policy",
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
)


class Site:
    """Answers from the board.

    Args:
        board: What there is to show.
        tally: For the counters that change between two looks.
        unhealthy: A reason to be restarted, or None while there is none.
    """

    def __init__(self, board: Board, tally: Tally, unhealthy: Callable[[], str | None]) -> None:
        self._board = board
        self._tally = tally
        self._unhealthy = unhealthy

    async def answer(self, request: Request) -> Response:
        """The response to a request; a mistake of ours is logged and answered with 500."""
        try:
            return await self._route(request)
        except Exception:
            log.exception("answering %s failed", request.path)
            return problem(HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _route(self, request: Request) -> Response:
        match request.path:
            case "/healthz" | "/-/healthy":
                return self._health(self._unhealthy())
            case "/readyz" | "/-/ready":
                waiting = None if self._board.current() else "the first look at the GPUs has not ended yet"
                return self._health(waiting)
            case "/metrics":
                return await self._metrics(request)
            case path if path == NODE_REPORT_PATH:
                published = await self._first(request)
                return (
                    _not_yet()
                    if published is None
                    else _encoded(published.node_json, request, "application/json")
                )
            case "/":
                published = await self._first(request)
                if published is None:
                    return _not_yet((("Refresh", "2"),))  # a browser then asks again by itself
                return _encoded(published.page, request, "text/html; charset=utf-8", (_PAGE_POLICY,))
            case path if path in ASSETS:
                content_type, asset = ASSETS[path]
                return _encoded(Encoded(asset), request, content_type)
            case _:
                return problem(HTTPStatus.NOT_FOUND)

    @staticmethod
    def _health(trouble: str | None) -> Response:
        if trouble is None:
            return Response(body=b"ok\n")
        return Response(body=f"{trouble}\n".encode(), status=HTTPStatus.SERVICE_UNAVAILABLE)

    async def _metrics(self, request: Request) -> Response:
        published = await self._first(request)
        if published is None:
            return _not_yet()
        wanted = request.query.get("name[]")
        if wanted:
            return Response(body=published.scrape.filtered(wanted), content_type=TEXT)
        openmetrics = wants_openmetrics(request.headers.get("accept", ""))
        gzip = wants_gzip(request.headers.get("accept-encoding", ""))
        return Response(
            body=published.scrape.body(self._tally.counts, openmetrics=openmetrics, gzip=gzip),
            content_type=OPENMETRICS if openmetrics else TEXT,
            headers=(*(_GZIPPED if gzip else _PLAIN), ("Vary", "Accept")),
        )

    async def _first(self, request: Request) -> Published | None:
        """What to show; right after the start, waits for the first look as long as the scraper would."""
        deadline = time.monotonic() + _patience(request.headers.get(_SCRAPE_TIMEOUT_HEADER, ""))
        while (published := self._board.current()) is None and time.monotonic() < deadline:  # noqa: ASYNC110  filled by a thread
            await asyncio.sleep(0.02)
        return published


def _patience(header: str) -> float:
    """Seconds to wait for the first look: what Prometheus says it gives us, less a margin, within reason."""
    try:
        given = float(header)
    except ValueError:
        return _LONGEST_FIRST_WAIT_SECONDS
    return min(max(0.0, given - _MARGIN_SECONDS), _LONGEST_FIRST_WAIT_SECONDS)


def _not_yet(headers: tuple[tuple[str, str], ...] = ()) -> Response:
    return Response(
        body=b"the first look at the GPUs has not ended yet\n",
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        headers=(("Retry-After", "1"), *headers),
    )


def _encoded(
    body: Encoded, request: Request, content_type: str, headers: tuple[tuple[str, str], ...] = ()
) -> Response:
    gzip = wants_gzip(request.headers.get("accept-encoding", ""))
    return Response(
        body=body.gzip if gzip else body.plain,
        content_type=content_type,
        headers=(*(_GZIPPED if gzip else _PLAIN), *headers),
    )
