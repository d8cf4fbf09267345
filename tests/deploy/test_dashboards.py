"""Dashboards are code: the committed JSON is what the code gives, and says only what exists."""

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from deploy.dashboards.__main__ import FOLDER, rendered
from shared.metric_names import METRICS
from tests.deploy.chart import CHART, of_kind, scenario_objects
from tests.deploy.test_alerts import ALERTS, groups

BOARDS: dict[str, Any] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))
}
RECORDED = {rule["record"] for group in groups() for rule in group["rules"] if "record" in rule}
OURS = {metric.name for metric in METRICS} | {
    f"{metric.name}_{part}"
    for metric in METRICS
    if metric.kind == "histogram"
    for part in ("bucket", "sum", "count")
}
# Every Prometheus adds these to what it scrapes or evaluates; the process metrics are client_python's.
PROMETHEUS_OWN = {
    "up",
    "ALERTS",
    "ALERTS_FOR_STATE",
    "scrape_duration_seconds",
    "process_resident_memory_bytes",
}

# vLLM before and since 0.9.2, and SGLang: the one alert on what engines report themselves.
ENGINES_OWN = {
    "vllm:kv_cache_usage_perc",
    "vllm:gpu_cache_usage_perc",
    "vllm:num_requests_waiting",
    "sglang:token_usage",
    "sglang:num_queue_reqs",
}


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries(board: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (panel["title"], target["expr"]) for panel in panels(board) for target in panel.get("targets", [])
    ]


def test_the_committed_dashboards_are_what_the_code_gives() -> None:
    """After a change: python -m deploy.dashboards."""
    assert rendered() == {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_keeps_its_address(name: str) -> None:
    """Alerts link to it."""
    assert BOARDS[name]["uid"] == name


@pytest.mark.parametrize("name", BOARDS)
def test_a_panel_says_what_it_shows(name: str) -> None:
    for panel in panels(BOARDS[name]):
        assert panel["title"]
        if panel["type"] != "text":
            assert panel["description"].endswith(".")
            assert panel["fieldConfig"]["defaults"]["unit"]
            assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
            assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}


def names_in(expression: str) -> set[str]:
    """The metrics a query asks for: what stands before a selector or alone, without functions and labels."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", expression)
    bare = re.sub(r"\{[^}]*\}", "", bare)
    bare = re.sub(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", "", bare)
    words = set(re.findall(r"[a-zA-Z_][a-zA-Z0-9_:]*(?![\w:]*\s*\()", re.sub(r"\[[^]]*\]", "", bare)))
    return words - {"and", "or", "unless", "offset", "m", "h", "vector", "bool"}


@pytest.mark.parametrize("name", BOARDS)
def test_a_panel_asks_only_for_metrics_that_exist(name: str) -> None:
    for title, expression in queries(BOARDS[name]):
        assert names_in(expression) <= OURS | RECORDED | PROMETHEUS_OWN, title


def test_rules_ask_only_for_metrics_that_exist() -> None:
    for group in groups():
        for rule in group["rules"]:
            expression = re.sub(r"#.*", "", rule["expr"])
            unknown = {word for word in names_in(expression) if not word.startswith("offset")}
            assert unknown - OURS - RECORDED - PROMETHEUS_OWN - ENGINES_OWN == set(), rule


def test_an_alert_leads_to_a_dashboard_and_sets_variables_that_it_has() -> None:
    for name, rule in ALERTS.items():
        address = urlsplit(rule["annotations"]["dashboard_url"])
        board = BOARDS[address.path.removeprefix("/d/")]
        variables = {variable["name"] for variable in board["templating"]["list"]}
        asked = {key.removeprefix("var-") for key in parse_qs(address.query)}
        assert asked <= variables, name


def test_links_between_dashboards_lead_somewhere() -> None:
    text = json.dumps(BOARDS)
    linked = re.findall(r"/d/(fittingroom-[a-z]+)\?((?:var-[a-z]+=[^&\"]*&?)+)", text)

    assert linked
    for uid, variables in linked:
        known = {variable["name"] for variable in BOARDS[uid]["templating"]["list"]}
        assert set(re.findall(r"var-([a-z]+)=", variables)) <= known


def test_the_chart_ships_every_dashboard_byte_for_byte() -> None:
    shipped = {
        name: text
        for one in of_kind(scenario_objects("operator"), "ConfigMap", "dashboards")
        for name, text in one["data"].items()
    }

    assert {name: json.loads(text) for name, text in shipped.items()} == {
        f"{name}.json": board for name, board in BOARDS.items()
    }
    assert all(
        one["metadata"]["labels"]["grafana_dashboard"] == "1"
        for one in of_kind(scenario_objects("operator"), "ConfigMap", "dashboards")
    )
    assert max(len(text) for text in shipped.values()) < 900_000  # a ConfigMap holds 1 MiB
    assert yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))["monitoring"]["dashboards"][
        "labels"
    ]
