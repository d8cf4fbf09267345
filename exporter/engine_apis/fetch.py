"""Asks inference servers on this node: loopback only, bounded in time and bytes, all at once."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.engine_apis import APIS
from exporter.engine_apis.state import EngineState
from exporter.engine_apis.visit import Visit, make_visits

_MOST_BYTES: Final = 4 * 1024**2  # vLLM's metrics page can be megabytes; what lies beyond is not read
_MOST_SERVERS: Final = 64
STEADY_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server to ask: which engine, the port it said it listens on, and its process."""

    engine: str
    port: int
    pid: int = 0


class SteadyAnswers:
    """What a server says once and for all while its process lives: its version, its model. Asked again now and then."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: dict[Target, tuple[float, dict[str, bytes | None]]] = {}

    def of(self, target: Target) -> dict[str, bytes | None]:
        """The answers that need not be asked for again."""
        until, answers = self._kept.get(target, (0.0, {}))
        return dict(answers) if self._now() < until else {}

    def keep(self, visits: Mapping[Target, Visit]) -> None:
        """Remember what these servers said; others are forgotten."""
        kept: dict[Target, tuple[float, dict[str, bytes | None]]] = {}
        for target, visit in visits.items():
            steady = {
                path: visit.answers[path]
                for path in APIS[target.engine].STEADY
                if visit.answers.get(path) is not None
            }
            until = self._kept[target][0] if self.of(target) else self._now() + STEADY_SECONDS
            if visit.cause is None and steady and target.pid:
                kept[target] = until, steady
        self._kept = kept


def read_engines(
    targets: Sequence[Target],
    timeout_seconds: float,
    failed: Callable[[str, str], None],
    steady: SteadyAnswers | None = None,
) -> dict[Target, EngineState]:
    """The state of every server that answered in time; `failed` is told engine and cause of the others."""
    visits = {
        target: Visit(
            target.port,
            APIS[target.engine].PATHS,
            steady.of(target) if steady else {},
            most_bytes=_MOST_BYTES,
        )
        for target in targets[:_MOST_SERVERS]
    }
    make_visits(visits.values(), timeout_seconds)
    states: dict[Target, EngineState] = {}
    for target, visit in visits.items():
        if visit.cause is not None:
            failed(target.engine, visit.cause)
        if visit.is_spoken_for:
            states[target] = APIS[target.engine].state(visit.answers)
    if steady:
        steady.keep(visits)
    return states
