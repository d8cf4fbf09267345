"""What has been counted since the start: the numbers behind the exporter's own counters."""

import threading
from collections import Counter
from dataclasses import dataclass, field

from exporter.look import Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The counters at one moment."""

    polls: dict[str, int] = field(default_factory=dict)  # by result
    nvml_errors: dict[tuple[str, str], int] = field(default_factory=dict)  # by call and code
    engine_errors: dict[tuple[str, str], int] = field(default_factory=dict)  # by engine and cause
    requests: dict[str, int] = field(default_factory=dict)  # by HTTP status
    reconnects: int = 0


class Tally:
    """Counts from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._polls: Counter[str] = Counter(success=0, failure=0, timeout=0, skipped=0)
        self._nvml: Counter[tuple[str, str]] = Counter()
        self._engines: Counter[tuple[str, str]] = Counter()
        self._requests: Counter[str] = Counter()
        self._reconnects = 0

    def look(self, look: Look) -> None:
        """Count one attempt and the driver's errors in it."""
        result = "success" if look.reading else "timeout" if look.failure_code == "timeout" else "failure"
        with self._lock:
            self._polls[result] += 1
            self._nvml.update((error.call, error.code) for error in look.errors)
            self._reconnects += look.reconnected

    def failed_look(self) -> None:
        """Count an attempt that ended in a mistake of ours."""
        with self._lock:
            self._polls["failure"] += 1

    def skipped(self) -> None:
        """Count a look that was due while the one before was still going on."""
        with self._lock:
            self._polls["skipped"] += 1

    def engine_error(self, engine: str, cause: str) -> None:
        """Count an inference server that could not be read."""
        with self._lock:
            self._engines[engine, cause] += 1

    def request(self, code: int) -> None:
        """Count an answered HTTP request."""
        with self._lock:
            self._requests[str(code)] += 1

    def counts(self) -> Counts:
        """All counters now."""
        with self._lock:
            return Counts(
                polls=dict(self._polls),
                nvml_errors=dict(self._nvml),
                engine_errors=dict(self._engines),
                requests=dict(self._requests),
                reconnects=self._reconnects,
            )
