"""A real Prometheus, real exporters on simulated nodes, and ports for them: all on loopback, all ended afterwards."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.chart import ROOT
from tests.real_parts import program

PATIENCE_SECONDS = 60.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], log: Path, environment: dict[str, str] | None = None) -> Iterator[None]:
    """The program, ended with everything it started when the block is left."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, cwd=ROOT, start_new_session=True,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
        try:
            yield
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


def wait_until(what: str, ready: Callable[[], bool], log: Path | None = None) -> None:
    """Returns once `ready`; fails with the log's end when it never is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if ready():
            return
        time.sleep(0.2)
    end = log.read_text(encoding="utf-8", errors="replace")[-2000:] if log else ""
    raise AssertionError(f"{what} did not happen in {PATIENCE_SECONDS:g} s\n{end}")


def answers(url: str) -> bool:
    """Whether there is a page."""
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


@contextmanager
def exporter(folder: Path, node: str, simulate: str | None, port: int | None = None) -> Iterator[int]:
    """A real exporter of a node described by `simulate` (TOML), or of this machine; gives its port."""
    port, log = port or free_port(), folder / f"{node}.log"
    command = [sys.executable, "-m", "exporter", "--node", node, "--port", str(port)]
    command += ["--poll-interval-seconds", "0.5"]
    if simulate is not None:
        (folder / f"{node}.toml").write_text(simulate, encoding="utf-8")
        command += ["--simulate", str(folder / f"{node}.toml")]
    with running(command, log):
        wait_until(f"exporter {node}", lambda: answers(f"http://127.0.0.1:{port}/healthz"), log)
        yield port


class Prometheus:
    """A Prometheus that was started by a test."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer of its API. Raises AssertionError with Prometheus' words on a bad query."""
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from None

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series an instant query gives."""
        data = self.get("query", query=expression)
        if data["resultType"] in {"scalar", "string"}:
            return [{"metric": {}, "value": data["result"]}]
        return list(data["result"])

    def query_range(self, expression: str, seconds: float = 5) -> list[dict[str, Any]]:
        """The series of the last seconds."""
        now = time.time()
        return list(
            self.get("query_range", query=expression, start=f"{now - seconds}", end=f"{now}", step="1")[
                "result"
            ]
        )


@contextmanager
def prometheus(
    folder: Path,
    jobs: dict[str, dict[str, int]],
    rule_files: list[Path],
    alertmanager: int | None = None,
    *,
    port: int | None = None,
    options: tuple[str, ...] = (),
) -> Iterator[Prometheus]:
    """A Prometheus that scrapes `jobs` (job -> node -> port) every second and evaluates every second.

    With an Alertmanager, alerts fire at once: how long they wait is promtool's to check.
    """
    folder.mkdir(exist_ok=True)
    (folder / "prometheus.yml").write_text(
        yaml.safe_dump(_configuration(folder, jobs, rule_files, alertmanager)), encoding="utf-8"
    )
    port, log = port or free_port(), folder / "prometheus.log"
    command = [
        program("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *options,
    ]
    with running(command, log):
        wait_until("Prometheus", lambda: answers(f"http://127.0.0.1:{port}/-/ready"), log)
        yield Prometheus(port)


def _configuration(
    folder: Path, jobs: dict[str, dict[str, int]], rule_files: list[Path], alertmanager: int | None
) -> dict[str, Any]:
    for path in rule_files:
        rules = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group in rules["groups"]:
            group.pop("interval", None)  # a test does not wait for minutes
            for rule in group["rules"]:
                if alertmanager is not None:
                    rule.pop("for", None)
        (folder / path.name).write_text(yaml.safe_dump(rules), encoding="utf-8")
    config: dict[str, Any] = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [path.name for path in rule_files],
        "scrape_configs": [
            {
                "job_name": job,
                "static_configs": [
                    {"targets": [f"127.0.0.1:{port}"], "labels": {"node": node}}
                    for node, port in targets.items()
                ],
            }
            for job, targets in jobs.items()
        ],
    }
    if alertmanager is not None:
        target = {"targets": [f"127.0.0.1:{alertmanager}"]}
        config["alerting"] = {"alertmanagers": [{"static_configs": [target]}]}
    return config


@contextmanager
def alertmanager(folder: Path, config: dict[str, Any]) -> Iterator[int]:
    """An Alertmanager on loopback; gives its port."""
    folder.mkdir(exist_ok=True)
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    port, log = free_port(), folder / "alertmanager.log"
    command = [
        program("prometheus-alertmanager", "alertmanager"),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with running(command, log):
        wait_until("Alertmanager", lambda: answers(f"http://127.0.0.1:{port}/-/ready"), log)
        yield port
