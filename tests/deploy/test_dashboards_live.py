"""Every panel's query is run by a real Prometheus that scrapes real exporters on simulated nodes, and has data."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import start_http_server

from bot.fleet import Fleet, FleetUnavailable
from bot.health import BotMetrics
from tests.deploy.live import Prometheus, exporter, prometheus, wait_until
from tests.deploy.test_alerts import RULE_FILES
from tests.deploy.test_dashboards import BOARDS, queries

A_BUSY_NODE = """
node = "busy"
driver_version = "580.95.05"

[[gpus]]
name = "NVIDIA A100-SXM4-40GB"
total_mib = 40960
reserved_mib = 620
[[gpus.processes]]
command = ["vllm", "serve", "Qwen/Qwen3-32B-AWQ", "--max-model-len", "16384", "--gpu-memory-utilization", "0.9"]
used_mib = 36610
[gpus.processes.engine]
kv_cache_used_tokens = 59000
kv_cache_limit_tokens = 60128
running_requests = 14
waiting_requests = 5
preemptions = 23

[[gpus]]
name = "NVIDIA A100-SXM4-40GB"
total_mib = 40960
reserved_mib = 620
down = "gpu_is_lost"

[[gpus]]
name = "NVIDIA A100-SXM4-40GB"
total_mib = 40960
reserved_mib = 620
[[gpus.processes]]
command = ["python", "train.py"]
used_mib = 21480
"""
A_FREE_NODE = """
node = "free"
driver_version = "580.95.05"

[[gpus]]
name = "NVIDIA A100-SXM4-80GB"
total_mib = 81920
reserved_mib = 620
[[gpus.processes]]
command = ["llama-server", "-m", "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", "-c", "32768", "-ngl", "99"]
used_mib = 9310
engine = { kv_cache_used_tokens = 9214, kv_cache_limit_tokens = 32768, running_requests = 2, waiting_requests = 0 }

[[gpus]]
name = "NVIDIA A100-SXM4-80GB"
total_mib = 81920
reserved_mib = 620
"""
# What no simulated fleet has: queries for errors that only a real driver or engine makes.
WITHOUT_DATA_IN_HEALTH = {"sum by (engine, cause) (rate(fittingroom_exporter_engine_read_errors_total"}


@contextmanager
def _a_bot() -> Iterator[int]:
    """The bot's own metrics while it is being asked, served on a free port."""
    metrics = BotMetrics(catalog_date="2026-11-01")
    metrics.slack_connected.set(1)
    server, _ = start_http_server(0, addr="127.0.0.1", registry=metrics.registry)
    over = threading.Event()

    def be_busy() -> None:
        while not over.wait(0.2):
            for result in ("answered", "not_understood", "failed"):
                metrics.questions.labels(source="command", result=result).inc()
            metrics.answer_seconds.labels(source="command").observe(0.1)
            metrics.slack_errors.labels(method="chat.postMessage", error="not_in_channel").inc()
            metrics.slack_rate_limited.labels(method="chat.postMessage").inc()
            metrics.watches.labels(state="waiting").set(3)
            metrics.notifications.labels(result="sent").inc()
            metrics.note_look(Fleet(nodes=(), source="Prometheus"))
            metrics.note_look(FleetUnavailable("no answer"))

    busy = threading.Thread(target=be_busy)
    busy.start()
    try:
        yield server.server_port
    finally:
        over.set()
        busy.join()
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder: Path = tmp_path_factory.mktemp("fleet")
    with (
        _a_bot() as bot_port,
        exporter(folder, "busy", A_BUSY_NODE) as busy,
        exporter(folder, "free", A_FREE_NODE) as free,
        exporter(folder, "bare", None) as bare,  # this machine: a driver that is not there
        prometheus(
            folder / "prometheus",
            {
                "fittingroom-exporter": {"busy": busy, "free": free, "bare": bare},
                "fittingroom-bot": {"bot-1": bot_port},
            },
            RULE_FILES,
        ) as server,
    ):
        seen = "count_over_time(fittingroom:target[1m]) > 8"
        wait_until("the rules over all targets", lambda: len(server.query(seen)) == 4)
        yield server


def filled_in(expression: str, board: dict[str, Any]) -> str:
    """The query as Grafana sends it with every variable on All, and any node where one is chosen."""
    for variable in board["templating"]["list"]:
        expression = expression.replace(f"${variable['name']}", variable.get("allValue", ".*"))
    return expression.replace("$__rate_interval", "30s")


ALL = [(name, title, expression) for name, board in BOARDS.items() for title, expression in queries(board)]


@pytest.mark.parametrize(("name", "title", "expression"), ALL)
def test_a_panel_has_data(fleet: Prometheus, name: str, title: str, expression: str) -> None:
    asked = filled_in(expression, BOARDS[name])
    found = fleet.query_range(asked)

    assert "$" not in asked
    if any(asked.startswith(start) for start in WITHOUT_DATA_IN_HEALTH):
        assert found == []
        return
    assert found, f"{name} / {title}: no series for {asked}"
    assert any(value != "NaN" for series in found for _, value in series["values"]), "nothing but NaN"


@pytest.mark.parametrize("name", BOARDS)
def test_a_legend_names_labels_that_its_series_have(fleet: Prometheus, name: str) -> None:
    board = BOARDS[name]
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            wanted = set(re.findall(r"{{(\w+)}}", target.get("legendFormat", "")))
            if wanted:
                for series in fleet.query_range(filled_in(target["expr"], board)):
                    assert wanted <= series["metric"].keys(), f"{panel['title']}: {series['metric']}"


@pytest.mark.parametrize("name", BOARDS)
def test_a_tables_columns_are_labels_of_its_series(fleet: Prometheus, name: str) -> None:
    """A column of which no series has the label would be empty; MIG and cluster are empty on this fleet."""
    board = BOARDS[name]
    may_be_empty = {"mig_profile", "context", "engine_version", "model", "instance", "node"}
    for panel in board["panels"]:
        if panel["type"] == "table" and panel["transformations"][0]["id"] == "filterFieldsByName":
            names = set(panel["transformations"][0]["options"]["include"]["names"])
            columns = {name for name in names if not name.startswith("Value")}
            for target in panel["targets"]:
                found = fleet.query(filled_in(target["expr"], board))
                have = {label for series in found for label in series["metric"]}
                assert columns - may_be_empty <= have, f"{panel['title']}: {target['expr']}"


def test_a_variable_lists_values(fleet: Prometheus) -> None:
    for name, board in BOARDS.items():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                asked = filled_in(variable["query"], board)
                metric, label = re.fullmatch(r"label_values\((.+), (\w+)\)", asked).groups()  # type: ignore[union-attr]
                values = {series["metric"].get(label) for series in fleet.query(metric)}
                assert values, f"{name}: {variable['name']}"
                if label != "cluster":  # one cluster without a name is a fleet too
                    assert None not in values
