"""One server asked path by path over a socket that never waits: a single thread visits all of a node's servers."""

import contextlib
import selectors
import socket
import time
from collections.abc import Collection, Sequence
from typing import Final

from exporter.engine_apis.http_answer import BrokenAnswer, HttpAnswer

_HOST: Final = "127.0.0.1"
_AT_ONCE_BYTES: Final = 65536


class Visit:
    """A server's answers so far.

    Args:
        port: Where it listens on loopback.
        paths: What to ask for, one after the other, over one connection where the server keeps it open.
        known: Answers that need not be asked for. They are no proof that the server is still there.
        most_bytes: An answer longer than this is cut off.

    Attributes:
        answers: Body per path, with those known; None where the server has no such path.
        cause: Why not all of it was answered; None while nothing is wrong.
    """

    def __init__(
        self, port: int, paths: Sequence[str], known: dict[str, bytes | None], most_bytes: int
    ) -> None:
        self.answers = dict(known)
        self.cause: str | None = None
        self._known: Collection[str] = frozenset(known)
        self._port = port
        self._paths = [path for path in reversed(paths) if path not in known]
        self._most = most_bytes
        self._socket: socket.socket | None = None
        self._watched = 0
        self._unsent = b""
        self._answer = HttpAnswer(most_bytes)

    @property
    def is_spoken_for(self) -> bool:
        """Whether the server has told us something, and has answered now."""
        now = any(body is not None for path, body in self.answers.items() if path not in self._known)
        return now or (self.cause is None and any(body is not None for body in self.answers.values()))

    def go_on(self, selector: selectors.BaseSelector) -> None:
        """Do what can be done without waiting, and tell the selector what is waited for."""
        try:
            waits_for = self._advance(selector)
        except ConnectionRefusedError:
            self.end("refused", selector)
        except (OSError, BrokenAnswer):
            self.end("broken", selector)
        else:
            self._wait(waits_for, selector)

    def end(self, cause: str | None, selector: selectors.BaseSelector) -> None:
        """Leave, for whatever cause."""
        self.cause = cause
        self._wait(0, selector)
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _wait(self, events: int, selector: selectors.BaseSelector) -> None:
        """Have the selector watch for these events, and for no others."""
        if self._socket is None or events == self._watched:
            return
        if not events:
            selector.unregister(self._socket)
        elif self._watched:
            selector.modify(self._socket, events, self)
        else:
            selector.register(self._socket, events, self)
        self._watched = events

    def _advance(self, selector: selectors.BaseSelector) -> int:
        """Take what has come, ask what is next; returns what to wait for, nothing when all paths are answered."""
        if self._socket is not None and not self._unsent:
            self._take(self._socket, selector)
        if not self._paths:
            return 0
        if self._socket is None:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            with contextlib.suppress(BlockingIOError):
                self._socket.connect((_HOST, self._port))
            self._ask()
        with contextlib.suppress(BlockingIOError):
            while self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
        return selectors.EVENT_WRITE if self._unsent else selectors.EVENT_READ

    def _take(self, connection: socket.socket, selector: selectors.BaseSelector) -> None:
        """One piece at a time, so that a server that floods us does not keep us past the time there is."""
        with contextlib.suppress(BlockingIOError):
            self._answer.feed(connection.recv(_AT_ONCE_BYTES))
        if self._answer.done:
            self.answers[self._paths.pop()] = self._answer.body
            if self._paths and self._answer.keeps_open:
                self._ask()
            else:
                self.end(None, selector)

    def _ask(self) -> None:
        last = "Connection: close\r\n" if len(self._paths) == 1 else ""
        head = f"GET {self._paths[-1]} HTTP/1.1\r\nHost: {_HOST}:{self._port}\r\nAccept: */*\r\n{last}\r\n"
        self._unsent = head.encode("ascii")
        self._answer = HttpAnswer(self._most)


def make_visits(visits: Collection[Visit], seconds: float) -> None:
    """All of them at once, for so long; those that have not ended then are left for want of time."""
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for visit in visits:
            visit.go_on(selector)
        while selector.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                key.data.go_on(selector)
        for key in tuple(selector.get_map().values()):
            key.data.end("timeout", selector)
