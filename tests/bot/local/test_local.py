"""`make run` without a terminal: it answers, says where everything is, serves, and stops at a signal."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import httpx
import pytest

from bot.local.children import free_port

ANSWERED_WITHIN_SECONDS = 60.0


class Running:
    """A launcher whose output is kept as it comes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def line_with(self, text: str) -> str:
        deadline = time.monotonic() + ANSWERED_WITHIN_SECONDS
        while time.monotonic() < deadline:
            found = next((line for line in list(self.lines) if text in line), None)
            if found is not None:
                return found
            assert self.process.poll() is None, "\n".join(self.lines)
            time.sleep(0.05)
        raise AssertionError(f"no line with {text!r} in:\n" + "\n".join(self.lines))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@contextmanager
def launched() -> Iterator[Running]:
    env = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("SLACK_", "FITTINGROOM_EXPORTER_"))
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.local"],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    running = Running(process)
    try:
        yield running
    finally:
        if process.poll() is None:
            running.stop()


@pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="this machine has a driver, so the node is real")
def test_without_a_terminal_it_answers_serves_and_stops_at_a_signal() -> None:
    with launched() as running:
        page = running.line_with("Page     ").split()[-1]
        metrics = httpx.get(f"{page}metrics", trust_env=False)
        text = "\n".join(running.lines)

        assert "Mixtral 8x22B" in text
        assert "simulated" in text.lower()
        assert "Slack    not connected: set SLACK_BOT_TOKEN and SLACK_APP_TOKEN" in text
        assert "fittingroom_exporter_simulated 1" in metrics.text
        assert running.stop() == 0
    with pytest.raises(httpx.TransportError):
        httpx.get(page, trust_env=False)


def test_a_taken_port_is_left_alone() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert free_port(port) != port


def test_a_free_port_is_taken_as_wanted() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    assert free_port(port) == port
