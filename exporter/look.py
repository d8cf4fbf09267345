"""One look at the node that never takes longer than it may: the driver is asked in a thread of its own."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from exporter.reading import CallError, DriverUnavailable, NodeReading

log: Final = logging.getLogger("fittingroom.exporter.look")

_LONGEST_BACKOFF_SECONDS: Final = 60.0


class Source(Protocol):
    """Where readings come from: the real driver, or a file."""

    def read(self) -> NodeReading:
        """One look. Raises DriverUnavailable."""

    def close(self) -> tuple[CallError, ...]:
        """Let go, so that the next read starts anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The outcome of one attempt: a reading, or why there is none.

    `started_unix` is when the attempt began, so the age of what it saw is never understated. `reconnected` says that
    the driver was opened anew for it.
    """

    started_unix: float
    duration_seconds: float
    reading: NodeReading | None = None
    failure_code: str | None = None
    failure: str | None = None
    errors: tuple[CallError, ...] = ()
    reconnected: bool = False


class Reconnecting:
    """A source that starts anew after failures of the kind only a new session cures, with growing pauses between.

    A lost GPU is such a failure too: a reset one is seen again only by a new session.
    """

    def __init__(self, source: Source, first_pause_seconds: float, now: Callable[[], float]) -> None:
        self._source = source
        self._first_pause = first_pause_seconds
        self._now = now
        self._pause = first_pause_seconds
        self._wait_until = float("-inf")
        self._failed: DriverUnavailable | None = None
        self._reopen = False
        self.reconnected = False

    def read(self) -> NodeReading:
        """One look, or the last failure again while a pause lasts. Raises DriverUnavailable."""
        self.reconnected = False
        waiting = self._now() < self._wait_until
        if self._failed is not None and waiting:
            raise DriverUnavailable(self._failed.code, self._failed.sentence)
        if self._reopen and not waiting:
            self._source.close()
            self.reconnected, self._reopen = True, False
        try:
            reading = self._source.read()
        except DriverUnavailable as failure:
            self._failed = failure
            self._back_off()
            raise
        self._failed = None
        if any(device.down_reason is not None for device in reading.devices):
            if not self._reopen:
                self._back_off()
        else:
            self._pause, self._wait_until, self._reopen = self._first_pause, float("-inf"), False
        return reading

    def _back_off(self) -> None:
        self._reopen = True
        self._wait_until = self._now() + self._pause
        self._pause = min(self._pause * 2, _LONGEST_BACKOFF_SECONDS)

    def close(self) -> tuple[CallError, ...]:
        """Let go of the driver."""
        return self._source.close()


class _Attempt:
    """What the worker thread fills in."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.reading: NodeReading | None = None
        self.reconnected = False
        self.error: Exception | None = None


class BoundedLooks:
    """Looks through a source within a deadline.

    The source runs in one daemon thread. A call into the driver can hang for ever and cannot be interrupted: then
    the look fails at the deadline, further looks fail at once until the call returns, its late answer is thrown
    away, and the process can still end.
    """

    def __init__(self, source: Source, timeout_seconds: float, first_pause_seconds: float) -> None:
        self._source = Reconnecting(source, first_pause_seconds, time.monotonic)
        self._timeout = timeout_seconds
        self._wanted: queue.SimpleQueue[_Attempt | None] = queue.SimpleQueue()
        self._current: _Attempt | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="driver", daemon=True)
        self._thread.start()

    def look(self) -> Look:
        """One attempt; comes back within the timeout whatever the driver does."""
        started_unix, started = time.time(), time.monotonic()
        if self._current is not None and not self._current.done.is_set():
            return self._timed_out(started_unix, 0.0)
        attempt = self._current = _Attempt()
        self._wanted.put(attempt)
        finished = attempt.done.wait(self._timeout)
        duration = time.monotonic() - started
        if not finished or self._stopped.is_set():
            return self._timed_out(started_unix, duration)
        if isinstance(attempt.error, DriverUnavailable):
            return Look(
                started_unix=started_unix,
                duration_seconds=duration,
                failure_code=attempt.error.code,
                failure=attempt.error.sentence,
                errors=attempt.error.errors,
                reconnected=attempt.reconnected,
            )
        if attempt.error is not None:
            raise attempt.error
        return Look(
            started_unix=started_unix,
            duration_seconds=duration,
            reading=attempt.reading,
            errors=attempt.reading.errors if attempt.reading else (),
            reconnected=attempt.reconnected,
        )

    def stop(self) -> None:
        """End the thread if the driver lets it; a waiting look comes back at once."""
        self._stopped.set()
        self._wanted.put(None)
        self._thread.join(timeout=0.5)  # long enough to close a healthy session, short enough for a hung one
        if self._current is not None:
            self._current.done.set()

    def _timed_out(self, started_unix: float, duration: float) -> Look:
        return Look(
            started_unix=started_unix,
            duration_seconds=duration,
            failure_code="timeout",
            failure=f"The driver has not answered within {self._timeout:g} s.",
        )

    def _work(self) -> None:
        while (attempt := self._wanted.get()) is not None:
            try:
                attempt.reading = self._source.read()
            except Exception as error:  # noqa: BLE001  carried to the caller's thread, which raises or reports it
                attempt.error = error
            attempt.reconnected = self._source.reconnected
            attempt.done.set()
        self._source.close()
