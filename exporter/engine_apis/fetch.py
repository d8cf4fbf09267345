"""Asks inference servers on this node: loopback only, bounded in time and bytes, all at once."""

import http.client
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from exporter.engine_apis import APIS
from exporter.engine_apis.state import EngineState

_HOST: Final = "127.0.0.1"
_MOST_BYTES: Final = 4 * 1024**2  # vLLM's metrics page can be megabytes; what lies beyond is not read
_MOST_SERVERS: Final = 64
_OK: Final = 200
STEADY_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server to ask: which engine, the port it said it listens on, and its process."""

    engine: str
    port: int
    pid: int = 0


@dataclass(slots=True)
class _Visit:
    """What one thread brings back; read only once `done` is set."""

    answers: dict[str, bytes | None] = field(default_factory=dict)
    known: frozenset[str] = frozenset()  # what was answered before, and is not proof that it is still there
    cause: str | None = None
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def is_spoken_for(self) -> bool:
        """Whether the server has told us something, and has answered now."""
        now = any(body is not None for path, body in self.answers.items() if path not in self.known)
        return now or (self.cause is None and any(body is not None for body in self.answers.values()))


class SteadyAnswers:
    """What a server says once and for all while its process lives: its version, its model. Asked again now and then."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: dict[Target, tuple[float, dict[str, bytes | None]]] = {}

    def of(self, target: Target) -> dict[str, bytes | None]:
        """The answers that need not be asked for again."""
        until, answers = self._kept.get(target, (0.0, {}))
        return dict(answers) if self._now() < until else {}

    def keep(self, visits: Mapping[Target, "_Visit"]) -> None:
        """Remember what these servers said; others are forgotten."""
        kept: dict[Target, tuple[float, dict[str, bytes | None]]] = {}
        for target, visit in visits.items():
            steady = {
                path: visit.answers[path]
                for path in APIS[target.engine].STEADY
                if visit.answers.get(path) is not None
            }
            until = self._kept[target][0] if self.of(target) else self._now() + STEADY_SECONDS
            if visit.done.is_set() and visit.cause is None and steady and target.pid:
                kept[target] = until, steady
        self._kept = kept


def read_engines(
    targets: Sequence[Target],
    timeout_seconds: float,
    failed: Callable[[str, str], None],
    steady: SteadyAnswers | None = None,
) -> dict[Target, EngineState]:
    """The state of every server that answered in time; `failed` is told engine and cause of the others."""
    deadline = time.monotonic() + timeout_seconds
    visits: dict[Target, _Visit] = {}
    for target in dict.fromkeys(targets[:_MOST_SERVERS]):
        known = steady.of(target) if steady else {}
        visit = visits[target] = _Visit(answers=known, known=frozenset(known))
        threading.Thread(target=_ask, args=(target, visit, deadline), name="engine", daemon=True).start()
    states: dict[Target, EngineState] = {}
    for target, visit in visits.items():
        if not visit.done.wait(max(0.0, deadline - time.monotonic()) + 0.1):
            failed(target.engine, "timeout")
            continue
        if visit.cause is not None:
            failed(target.engine, visit.cause)
        if visit.is_spoken_for:
            states[target] = APIS[target.engine].state(visit.answers)
    if steady:
        steady.keep(visits)
    return states


def _ask(target: Target, visit: _Visit, deadline: float) -> None:
    """Every path of the engine in turn, over one connection; the first that fails for want of a server ends it."""
    connection = http.client.HTTPConnection(_HOST, target.port)
    try:
        for path in APIS[target.engine].PATHS:
            if path not in visit.answers:
                visit.answers[path] = _get(connection, path, deadline)
    except TimeoutError:
        visit.cause = "timeout"
    except ConnectionRefusedError:
        visit.cause = "refused"
    except (OSError, http.client.HTTPException):
        visit.cause = "broken"
    finally:
        connection.close()
        visit.done.set()


def _get(connection: http.client.HTTPConnection, path: str, deadline: float) -> bytes | None:
    """A body, cut off at the most we read; None where the server has no such path. Redirects are not followed."""
    connection.timeout = _left(deadline)
    if connection.sock is not None:
        connection.sock.settimeout(_left(deadline))
    connection.request("GET", path, headers={"Accept": "*/*"})
    response = connection.getresponse()
    body = bytearray()
    while len(body) < _MOST_BYTES:
        if connection.sock is not None:
            connection.sock.settimeout(_left(deadline))  # a server that drips must still end in time
        chunk = response.read1(65536)
        if not chunk:
            break
        _left(deadline)
        body += chunk
    else:
        connection.close()  # what lies beyond the most we read would be taken for the next answer
    return bytes(body) if response.status == _OK else None


def _left(deadline: float) -> float:
    """Seconds left; raises TimeoutError when there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
