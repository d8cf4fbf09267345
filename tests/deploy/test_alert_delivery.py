"""Alerts travel: a node in trouble, a real exporter, Prometheus, Alertmanager with our configuration, a receiver."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.chart import ROOT
from tests.deploy.live import alertmanager, exporter, prometheus, wait_until
from tests.deploy.test_alerts import RULE_FILES

A_NODE = """
node = "gpu-1"
[[gpus]]
name = "NVIDIA A100-SXM4-40GB"
total_mib = 40960
reserved_mib = 620
[[gpus.processes]]
command = ["vllm", "serve", "Qwen/Qwen3-32B-AWQ", "--max-model-len", "16384", "--gpu-memory-utilization", "0.9"]
used_mib = 36610
[gpus.processes.engine]
kv_cache_used_tokens = {used_tokens}
kv_cache_limit_tokens = 60128
running_requests = 14
waiting_requests = {waiting}
"""
TROUBLE = A_NODE.format(used_tokens=59000, waiting=5)
PEACE = A_NODE.format(used_tokens=9000, waiting=0)
TOKEN = "only-alertmanager-knows"


class Receiver:
    """What arrived, and with which authorization."""

    def __init__(self) -> None:
        self.alerts: dict[tuple[str, str], dict[str, Any]] = {}
        self.authorizations: set[str | None] = set()

    def take(self, body: bytes, authorization: str | None) -> None:
        self.authorizations.add(authorization)
        for alert in json.loads(body)["alerts"]:
            self.alerts[alert["labels"]["alertname"], alert["status"]] = alert


@contextmanager
def receiver() -> Iterator[tuple[Receiver, int]]:
    got = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.take(self.rfile.read(int(self.headers["Content-Length"])), self.headers["Authorization"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield got, server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def our_configuration(folder: Path, port: int) -> dict[str, Any]:
    """deploy/prometheus/alertmanager.yml with the receiver's address, its token, and no patience."""
    config = yaml.safe_load((ROOT / "deploy/prometheus/alertmanager.yml").read_text(encoding="utf-8"))
    config["route"] |= {"group_wait": "0s", "group_interval": "1s"}
    webhook = config["receivers"][1]["webhook_configs"][0]
    webhook["url"] = f"http://127.0.0.1:{port}/alerts"
    (folder / "token").write_text(TOKEN, encoding="utf-8")
    webhook["http_config"]["authorization"]["credentials_file"] = str(folder / "token")
    return config


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """What came of a full KV cache with a queue, after it had ended."""
    folder = tmp_path_factory.mktemp("delivery")
    with (
        receiver() as (got, receiver_port),
        exporter(folder, "gpu-1", TROUBLE) as exporter_port,
        alertmanager(folder / "alertmanager", our_configuration(folder, receiver_port)) as alertmanager_port,
        prometheus(
            folder / "prometheus",
            {"fittingroom-exporter": {"gpu-1": exporter_port}},
            RULE_FILES,
            alertmanager_port,
        ),
    ):
        wait_until("the alert", lambda: ("FittingroomKvCacheFull", "firing") in got.alerts)
        (folder / "gpu-1.toml").write_text(PEACE, encoding="utf-8")
        wait_until("the all-clear", lambda: ("FittingroomKvCacheFull", "resolved") in got.alerts)
        yield got


def test_an_alert_arrives_with_model_place_and_what_would_help(delivered: Receiver) -> None:
    alert = delivered.alerts["FittingroomKvCacheFull", "firing"]

    assert alert["labels"]["model"] == "qwen3-32b"
    assert alert["labels"]["node"] == "gpu-1"
    assert alert["labels"]["index"] == "0"
    assert alert["labels"]["severity"] == "warning"
    assert alert["annotations"]["summary"] == (
        "The KV cache of qwen3-32b AWQ is full and requests wait on GPU 0 of gpu-1"
    )
    assert "98.12%" in alert["annotations"]["description"]
    assert "`/fit qwen3-32b AWQ`" in alert["annotations"]["action"]
    assert alert["annotations"]["dashboard_url"] == "/d/fittingroom-models?var-node=gpu-1&var-model=qwen3-32b"


def test_its_end_arrives_as_the_same_alert(delivered: Receiver) -> None:
    firing = delivered.alerts["FittingroomKvCacheFull", "firing"]
    resolved = delivered.alerts["FittingroomKvCacheFull", "resolved"]

    assert firing["fingerprint"] == resolved["fingerprint"]
    assert resolved["endsAt"] > resolved["startsAt"]


def test_every_delivery_carries_the_token(delivered: Receiver) -> None:
    assert delivered.authorizations == {f"Bearer {TOKEN}"}


def test_what_is_only_for_the_dashboard_is_not_delivered(delivered: Receiver) -> None:
    assert {alert["labels"]["severity"] for alert in delivered.alerts.values()} <= {"warning", "critical"}
