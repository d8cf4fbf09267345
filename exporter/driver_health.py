"""When only a restart helps: the reasons a liveness probe should fail for."""

from typing import Final

from exporter.look import Look

_FAILURES_THAT_TELL: Final = 5
LIBRARY_CHANGED: Final = "lib_rm_version_mismatch"


class DriverHealth:
    """Judges the looks so far.

    A container can lose its GPUs (its cgroup is rewritten) and a driver can be upgraded under us; both last until
    the process starts anew. A node that never had a working driver is healthy: restarting would not give it one.
    """

    def __init__(self) -> None:
        self._worked_once = False
        self._failures = 0
        self._code: str | None = None

    def look(self, look: Look) -> None:
        """Take one look into account."""
        self._code = look.failure_code
        if look.reading is not None:
            self._worked_once, self._failures = True, 0
        elif look.failure_code != "timeout":  # a restart does not unhang a driver
            self._failures += 1

    @property
    def must_restart(self) -> bool:
        """Whether the driver was exchanged under us: the old library stays mapped, so nothing here can cure it."""
        return self._worked_once and self._code == LIBRARY_CHANGED

    def trouble(self) -> str | None:
        """Why this process should be restarted; None while it need not be."""
        if self.must_restart:
            return "the NVIDIA driver was changed while this process ran"
        if self._worked_once and self._failures >= _FAILURES_THAT_TELL:
            return f"the NVIDIA driver has failed {self._failures} times in a row ({self._code})"
        return None
