"""Who a process is, from /proc: the only file that reads it."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from shared.units import KIB

_INITIAL_PID_NAMESPACE: Final = (
    "pid:[4026531836]"  # PROC_PID_INIT_INO of the kernel's include/linux/proc_ns.h
)
_MOST_ANCESTORS: Final = 8
_MOST_BYTES: Final = 64 * 1024
_REMEMBERED: Final = 1024
_MEMINFO: Final = re.compile(r"^(MemTotal|MemAvailable):\s+(\d+) kB$", re.MULTILINE)
_POD_UID: Final = re.compile(r"pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12})")
_CONTAINER_ID: Final = re.compile(r"(?:^|[-/:])([0-9a-f]{64})(?:\.scope)?(?:$|/)", re.MULTILINE)

NOT_THE_HOSTS: Final = (
    "this container does not see the host's processes; run it with the host's PID namespace (hostPID)"
)
NOT_READABLE: Final = "/proc cannot be read here"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessInfo:
    """One process: its command line as the kernel shows it."""

    pid: int
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    """A process with its ancestors, itself first, and the container its cgroup names."""

    chain: tuple[ProcessInfo, ...]
    pod_uid: str | None = None
    container_id: str | None = None


class Proc:
    """Reads a /proc.

    Command lines can hold secrets: they are given to parsers that look for known options only, and are neither
    logged nor exported.

    Args:
        root: Where it is mounted.
        trusted: Whether the driver's process numbers are known to be those of this /proc; None is to find out.
    """

    def __init__(self, root: Path, trusted: bool | None = None) -> None:
        self._root = root
        self._trusted = trusted

    def why_not(self) -> str | None:
        """Why the driver's process numbers mean nothing here; None when they do.

        The driver counts processes as the host does. In another PID namespace the same number is another process,
        and reading it would name the wrong model.
        """
        if self._trusted is not None:
            return None if self._trusted else "it is turned off by the settings"
        try:
            if str((self._root / "self" / "ns" / "pid").readlink()) == _INITIAL_PID_NAMESPACE:
                return None
            # a host's /proc mounted elsewhere: only there is process 2 the kernel's own
            host = (self._root / "2" / "comm").read_text().strip() == "kthreadd"
        except FileNotFoundError:
            return NOT_THE_HOSTS if (self._root / "self").exists() else NOT_READABLE
        except OSError:
            return NOT_READABLE
        return None if host else NOT_THE_HOSTS

    def host_memory(self) -> tuple[int, int]:
        """Total and available bytes of the host, as the kernel counts them; zeroes where that cannot be read."""
        try:
            text = (self._root / "meminfo").read_text()
        except OSError:
            return 0, 0
        sizes = {key: int(size) * KIB for key, size in _MEMINFO.findall(text)}
        return sizes.get("MemTotal", 0), sizes.get("MemAvailable", 0)

    def facts(self, pids: Iterable[int]) -> Mapping[int, ProcessFacts]:
        """What is known of these processes; those that ended meanwhile are not in it."""
        found: dict[int, ProcessFacts] = {}
        seen: dict[int, tuple[ProcessInfo, int] | None] = {}
        for pid in pids:
            chain: list[ProcessInfo] = []
            current = pid
            while current > 1 and len(chain) < _MOST_ANCESTORS:
                if current not in seen:
                    seen[current] = self._process(current)
                link = seen[current]
                if link is None:
                    break
                chain.append(link[0])
                current = link[1]
            if chain:
                pod_uid, container_id = self._container(pid)
                found[pid] = ProcessFacts(chain=tuple(chain), pod_uid=pod_uid, container_id=container_id)
        return found

    def _process(self, pid: int) -> tuple[ProcessInfo, int] | None:
        """The process and its parent's number; None when it is gone."""
        try:
            raw = self._read(pid, "cmdline")
            # the second field is the name in parentheses and may itself hold any character
            parent = int(self._read(pid, "stat").rpartition(b")")[2].split(maxsplit=2)[1])
        except (OSError, ValueError, IndexError):
            return None
        return _info(pid, raw), parent

    def _container(self, pid: int) -> tuple[str | None, str | None]:
        """Pod uid and container id of the process's cgroup; the systemd driver writes `_` for `-`."""
        try:
            return _container_of(self._read(pid, "cgroup"))
        except OSError:
            return None, None

    def _read(self, pid: int, name: str) -> bytes:
        """A process's file, by the system's own calls: some hundred are read at every look, and pathlib costs more."""
        file = os.open(f"{self._root}/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            content = b""
            while len(content) < _MOST_BYTES and (piece := os.read(file, _MOST_BYTES - len(content))):
                content += piece
            return content
        finally:
            os.close(file)


@lru_cache(maxsize=_REMEMBERED)
def _info(pid: int, raw: bytes) -> ProcessInfo:
    words = raw.rstrip(b"\0").split(b"\0") if raw else []
    argv = tuple(word.decode("utf-8", "replace") for word in words)
    if len(argv) == 1 and " " in argv[0].strip():
        argv = tuple(argv[0].split())  # a title set by the program itself: one text with spaces
    return ProcessInfo(pid=pid, argv=argv)


@lru_cache(maxsize=_REMEMBERED)
def _container_of(cgroup: bytes) -> tuple[str | None, str | None]:
    text = cgroup.decode("utf-8", "replace")
    pod, container = _POD_UID.search(text), _CONTAINER_ID.search(text)
    return pod[1].replace("_", "-") if pod else None, container[1] if container else None
