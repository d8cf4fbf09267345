"""One real Prometheus on loopback, with our rules, and what it says about itself."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RULES = Path(__file__).parents[2] / "deploy/helm/fittingroom/files/alerts"


class Prometheus:
    """Asks its HTTP API."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer."""
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(address, timeout=120) as answer:
            return json.load(answer)["data"]

    def number(self, query: str) -> float:
        """The one number of an instant query; NaN without a series."""
        found = self.get("query", query=query)["result"]
        return float(found[0]["value"][1]) if found else float("nan")

    def rule_groups(self) -> dict[str, tuple[float, float]]:
        """Seconds of each group's last evaluation, and of its interval."""
        groups = self.get("rules")["groups"]
        return {group["name"]: (float(group["evaluationTime"]), float(group["interval"])) for group in groups}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _configuration(pages_port: int, nodes: int, own_port: int, interval_seconds: int) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": f"{interval_seconds}s", "evaluation_interval": f"{interval_seconds}s"},
        "rule_files": [str(path) for path in sorted(RULES.glob("*.yaml"))],
        "scrape_configs": [
            {
                "job_name": "fittingroom-exporter",
                "static_configs": [
                    {
                        "targets": [f"127.0.0.1:{pages_port}"],
                        "labels": {
                            "__metrics_path__": f"/{node}/metrics",
                            "node": f"node-{node:04d}",
                            "instance": f"node-{node:04d}:9835",
                        },
                    }
                    for node in range(nodes)
                ],
            },
            {"job_name": "prometheus", "static_configs": [{"targets": [f"127.0.0.1:{own_port}"]}]},
        ],
    }


@contextmanager
def running(folder: Path, pages_port: int, nodes: int, interval_seconds: int) -> Iterator[Prometheus]:
    """A Prometheus that scrapes the fleet; its data is in `folder`."""
    program = shutil.which("prometheus")
    if program is None:
        raise SystemExit("prometheus is not installed; .ci/run shows how to get it")
    port = _free_port()
    config = folder / "prometheus.yml"  # JSON is YAML
    config.write_text(json.dumps(_configuration(pages_port, nodes, port, interval_seconds)), encoding="utf-8")
    command = [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait(f"http://127.0.0.1:{port}/-/ready")
            yield Prometheus(port)
        finally:
            process.terminate()
            process.wait(60)


def _wait(url: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit("Prometheus did not start")
