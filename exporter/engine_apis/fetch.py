"""Asks inference servers on this node: loopback only, bounded in time and bytes, all at once."""

import http.client
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from exporter.engine_apis import APIS
from exporter.engine_apis.state import EngineState

_HOST: Final = "127.0.0.1"
_MOST_BYTES: Final = 4 * 1024**2  # vLLM's metrics page can be megabytes; what lies beyond is not read
_MOST_SERVERS: Final = 64
_OK: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server to ask: which engine, and the port it said it listens on."""

    engine: str
    port: int


@dataclass(slots=True)
class _Visit:
    """What one thread brings back; read only once `done` is set."""

    answers: dict[str, bytes | None] = field(default_factory=dict)
    cause: str | None = None
    done: threading.Event = field(default_factory=threading.Event)


def read_engines(
    targets: Sequence[Target], timeout_seconds: float, failed: Callable[[str, str], None]
) -> dict[Target, EngineState]:
    """The state of every server that answered in time; `failed` is told engine and cause of the others."""
    deadline = time.monotonic() + timeout_seconds
    visits: dict[Target, _Visit] = {}
    for target in dict.fromkeys(targets[:_MOST_SERVERS]):
        visit = visits[target] = _Visit()
        threading.Thread(target=_ask, args=(target, visit, deadline), name="engine", daemon=True).start()
    states: dict[Target, EngineState] = {}
    for target, visit in visits.items():
        if not visit.done.wait(max(0.0, deadline - time.monotonic()) + 0.1):
            failed(target.engine, "timeout")
            continue
        if visit.cause is not None:
            failed(target.engine, visit.cause)
        if any(body is not None for body in visit.answers.values()):
            states[target] = APIS[target.engine].state(visit.answers)
    return states


def _ask(target: Target, visit: _Visit, deadline: float) -> None:
    """Every path of the engine in turn; the first path that fails for want of a server ends it."""
    try:
        for path in APIS[target.engine].PATHS:
            visit.answers[path] = _get(target.port, path, deadline)
    except TimeoutError:
        visit.cause = "timeout"
    except ConnectionRefusedError:
        visit.cause = "refused"
    except (OSError, http.client.HTTPException):
        visit.cause = "broken"
    finally:
        visit.done.set()


def _get(port: int, path: str, deadline: float) -> bytes | None:
    """A body, cut off at the most we read; None where the server has no such path. Redirects are not followed."""
    connection = http.client.HTTPConnection(_HOST, port, timeout=_left(deadline))
    try:
        connection.request("GET", path, headers={"Accept": "*/*", "Connection": "close"})
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
        return bytes(body) if response.status == _OK else None
    finally:
        connection.close()


def _left(deadline: float) -> float:
    """Seconds left; raises TimeoutError when there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
