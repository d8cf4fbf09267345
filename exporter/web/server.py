"""The listening side: an event loop in a thread of its own, so a scrape never waits for a look at the GPUs."""

import asyncio
import contextlib
import logging
import ssl
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from exporter.web.connection import Answer, problem, serve_connection
from exporter.web.message import LARGEST_HEAD_BYTES, render

log: Final = logging.getLogger("fittingroom.exporter.web")

_STOP_SECONDS: Final = 2.0
_REFUSAL_SECONDS: Final = 0.5
_HANDSHAKE_SECONDS: Final = 10.0


class CannotListen(Exception):
    """The address cannot be listened on; the message says which and why."""


class Server:
    """Serves until stopped.

    Args:
        answer: Request to response; runs on the loop and must not block.
        count: Told the status of each response.
        max_connections: Connections beyond it get 503 and are closed.
        tls: Where it is set, the handshake is done per connection and never holds up another.
    """

    def __init__(
        self,
        answer: Answer,
        count: Callable[[int], None],
        *,
        max_connections: int,
        tls: ssl.SSLContext | None = None,
        extra_headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self._answer = answer
        self._count = count
        self._max_connections = max_connections
        self._tls = tls
        self._extra_headers = extra_headers
        self._loop = asyncio.new_event_loop()
        self._connections: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._server: asyncio.Server | None = None

    def start(self, address: str, port: int) -> int:
        """Listen; returns the port, which matters when `port` was 0.

        Raises:
            CannotListen: The address is taken, not ours, or needs more rights.
        """
        self._thread.start()
        try:
            future = asyncio.run_coroutine_threadsafe(self._listen(address, port), self._loop)
            self._server = future.result(timeout=10)
        except (OSError, OverflowError) as error:
            self.stop()
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise CannotListen(f"cannot listen on {address}:{port}: {reason}") from error
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def _listen(self, address: str, port: int) -> asyncio.Server:
        return await asyncio.start_server(
            self._accept,
            address,
            port,
            limit=LARGEST_HEAD_BYTES,
            ssl=self._tls,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS if self._tls else None,
            backlog=256,
        )

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= self._max_connections:
            response = problem(HTTPStatus.SERVICE_UNAVAILABLE)
            with contextlib.suppress(TimeoutError, OSError):
                async with asyncio.timeout(_REFUSAL_SECONDS):
                    await reader.read(
                        LARGEST_HEAD_BYTES
                    )  # closing with bytes unread would throw the refusal away
            writer.write(render(response, head_only=False, keep_alive=False))
            self._count(response.status.value)
            writer.close()
            return
        task = asyncio.current_task()
        if task is None:  # start_server always gives us one
            return
        self._connections.add(task)
        try:
            await serve_connection(reader, writer, self._answer, self._count, self._extra_headers)
        except asyncio.CancelledError:  # by _close; asyncio's own callback cannot take a cancelled task
            writer.close()
        finally:
            self._connections.discard(task)

    def stop(self) -> None:
        """Stop listening, let answers under way finish briefly, then end."""
        if not self._thread.is_alive():
            return
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=_STOP_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=_STOP_SECONDS)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()
