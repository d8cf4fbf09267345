"""Xid errors, the driver's own reports of what went wrong on a GPU, counted since we began to listen."""

from dataclasses import dataclass, field
from typing import Any, Final

from exporter.nvml.calls import XID_EVENT, CallFailed, Calls, DeviceLost, address

_MOST_AT_ONCE: Final = 256
_NO_MORE: Final = "timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Xids:
    """What a GPU has reported. `last_code` is None until it has reported something."""

    errors: int = 0
    last_code: int | None = None


@dataclass(slots=True)
class XidEvents:
    """Listens through one NVML session after another; what was counted outlives a session, and a lost GPU.

    The driver keeps events until they are fetched, so fetching them once a look, without waiting, misses none.
    """

    _seen: dict[str, Xids] = field(default_factory=dict)
    _set: Any | None = None
    _uuids: dict[int, str] = field(default_factory=dict)  # of the handles registered in this session
    _deaf: set[str] = field(default_factory=set)  # GPUs that have no such events
    _readable: bool = False

    def fetch(self, calls: Calls) -> None:
        """Count what was reported since the last look. Raises DriverUnavailable."""
        self._readable = False
        try:
            if self._set is None:
                self._set = calls.must("nvmlEventSetCreate")
            for _ in range(_MOST_AT_ONCE):
                event = calls.must("nvmlEventSetWait_v2", self._set, 0, expected=(_NO_MORE,))
                self._count(self._uuids.get(address(event.device)), int(event.eventData))
        except DeviceLost:
            self._readable = True  # a GPU fell off the bus: what it said before has been counted
        except CallFailed as failed:
            self._readable = failed.code == _NO_MORE
        else:
            self._readable = True

    def listen(self, calls: Calls, handle: Any, uuid: str) -> None:
        """Take a GPU's events from now on; once per session. Raises DeviceLost and DriverUnavailable."""
        if self._set is None or uuid in self._deaf or uuid in self._uuids.values():
            return
        try:
            calls.must("nvmlDeviceRegisterEvents", handle, XID_EVENT, self._set)
        except DeviceLost:
            raise
        except CallFailed as failed:
            if failed.code in {"not_supported", "function_not_found"}:
                self._deaf.add(uuid)
            return
        self._uuids[address(handle)] = uuid
        self._seen.setdefault(uuid, Xids())

    def of(self, uuid: str) -> Xids | None:
        """What a GPU has reported; None when it has no such events, or they cannot be fetched now."""
        return self._seen.get(uuid) if self._readable else None

    def forget_session(self, calls: Calls | None = None) -> None:
        """The session is over, or (with `calls`) about to be: its set and its handles are worth nothing any more."""
        if calls is not None and self._set is not None:
            calls.may("nvmlEventSetFree", self._set)
        self._set = None
        self._uuids = {}
        self._deaf = set()

    def _count(self, uuid: str | None, code: int) -> None:
        if uuid is not None:
            before = self._seen.get(uuid, Xids())
            self._seen[uuid] = Xids(errors=before.errors + 1, last_code=code)
