"""The processes beside the prompt: an exporter, and the Slack bot where there are tokens."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import httpx

EXPORTER_PORT: Final = 9835
READY_WITHIN_SECONDS: Final = 30.0
STOPPED_WITHIN_SECONDS: Final = 10.0


class CannotStart(Exception):
    """A child did not come up; the message is one sentence for a person."""


def driver_is_there() -> bool:
    """Whether NVIDIA's management library can be loaded on this machine."""
    try:
        ctypes.CDLL("nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1")
    except OSError:
        return False
    return True


def free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, else one the system gives."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise CannotStart("No free port on 127.0.0.1.")


@contextmanager
def child(
    module: str, arguments: Sequence[str] = (), env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m module` in a session of its own (Ctrl-C is ours to handle), stopped on the way out."""
    process = subprocess.Popen(  # noqa: S603  our own interpreter and modules
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOPPED_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def exporter(port: int, *, simulated: bool) -> Iterator[subprocess.Popen[bytes]]:
    """An exporter that has taken its first look. Raises CannotStart when it does not within the deadline."""
    env = {"FITTINGROOM_EXPORTER_LOG_LEVEL": os.environ.get("FITTINGROOM_EXPORTER_LOG_LEVEL", "warning")}
    arguments = ["--port", str(port), *(["--simulate", "default"] if simulated else [])]
    with child("exporter", arguments, env) as process:
        _wait_until_ready(process, f"http://127.0.0.1:{port}/readyz")
        yield process


def _wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise CannotStart(
                f"The exporter stopped with exit code {process.returncode}; its message is above."
            )
        try:
            if httpx.get(url, timeout=2.0, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass  # not listening yet; the deadline ends the wait
        time.sleep(0.1)
    raise CannotStart(f"The exporter was not ready within {READY_WITHIN_SECONDS:.0f} seconds; see {url}.")
