"""The exporter as a process of its own, and what it says over HTTP."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from shared.node_report import NODE_REPORT_PATH, NodeReport

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 30.0


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"never came true: {what}")
        time.sleep(0.02)


@dataclass(frozen=True)
class Running:
    """A running exporter."""

    url: str
    process: subprocess.Popen[str]
    log: Path

    def series(self) -> dict[str, list[tuple[Mapping[str, str], float]]]:
        """Every series of a scrape, by name."""
        answer = httpx.get(f"{self.url}/metrics").raise_for_status()
        found: dict[str, list[tuple[Mapping[str, str], float]]] = {}
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                found.setdefault(sample.name, []).append((sample.labels, sample.value))
        return found

    def values(self, name: str) -> dict[str, float]:
        """A metric's values by uuid."""
        return {labels["uuid"]: value for labels, value in self.series().get(name, [])}

    def value(self, name: str) -> float | None:
        """The only value of a metric without labels."""
        return next((value for _, value in self.series().get(name, [])), None)

    def report(self) -> NodeReport:
        return NodeReport.model_validate_json(
            httpx.get(self.url + NODE_REPORT_PATH).raise_for_status().content
        )


@contextmanager
def exporter(
    *options: str, folder: Path, environment: Mapping[str, str] | None = None, script: Path | None = None
) -> Iterator[Running]:
    """Start the exporter on a free port; it is asked to end, and must do so in peace."""
    log = folder / "exporter.log"
    what = [os.fspath(script)] if script else ["-m", "exporter"]
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, *what, "--port", "0", "--poll-interval-seconds", "0.1", *options],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": os.fspath(ROOT)} | (environment or {}),
            stderr=stderr,
            text=True,
        )
    try:
        eventually(
            lambda: "listening on" in log.read_text() or process.poll() is not None, "the exporter listens"
        )
        found = re.search(r"listening on (https?://\S+)", log.read_text())
        assert found, log.read_text()
        yield Running(url=found[1], process=process, log=log)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        process.kill()
        process.wait()
