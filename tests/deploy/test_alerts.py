"""Every alert is proven both ways by promtool, says what to do, and has its page."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.chart import CHART, ROOT, Object, of_kind, scenario_objects
from tests.real_parts import program

RULE_FILES = sorted((CHART / "files/alerts").glob("*.yaml"))
CASES = Path(__file__).parent / "alerts"
RUNBOOKS = ROOT / "docs/runbooks"


def groups() -> list[dict[str, Any]]:
    return [
        group for path in RULE_FILES for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    ]


ALERTS = {rule["alert"]: rule for group in groups() for rule in group["rules"] if "alert" in rule}


def run_promtool(
    tmp_path: Path, tests: list[dict[str, Any]], *, annotations: bool
) -> subprocess.CompletedProcess[str]:
    """The cases against all our rules; without annotations, so that cases assert behaviour and not wording."""
    rules = groups()
    for group in rules:
        group.pop("interval", None)  # promtool has one interval for all
        for rule in group["rules"]:
            if not annotations:
                rule.pop("annotations", None)
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": rules}), encoding="utf-8")
    order = [group["name"] for group in rules]
    recording_first = sorted(order, key=lambda name: "record" not in _group(rules, name)["rules"][0])
    document = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "group_eval_order": recording_first,
        "tests": tests,
    }
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    command = [program("promtool"), "test", "rules", "tests.yaml"]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)


def _group(rules: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(group for group in rules if group["name"] == name)


def cases(alert: str) -> list[dict[str, Any]]:
    return yaml.safe_load((CASES / f"{alert}.yaml").read_text(encoding="utf-8"))["tests"]


def fires(case: dict[str, Any]) -> bool:
    return any(check["exp_alerts"] for check in case["alert_rule_test"])


def test_the_rules_are_what_prometheus_takes() -> None:
    command = [program("promtool"), "check", "rules", "--lint-fatal", *map(str, RULE_FILES)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_there_is_a_file_of_cases_for_each_alert_and_for_nothing_else() -> None:
    assert {path.stem for path in CASES.glob("*.yaml")} == set(ALERTS)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_fires_when_it_must_and_only_then(alert: str, tmp_path: Path) -> None:
    tests = cases(alert)
    asked = {check["alertname"] for case in tests for check in case["alert_rule_test"]}
    result = run_promtool(tmp_path, tests, annotations=False)

    assert result.returncode == 0, result.stdout + result.stderr
    assert asked == {alert}
    assert {fires(case) for case in tests} == {True, False}


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alerts_words_are_filled_in_from_its_labels(alert: str, tmp_path: Path) -> None:
    """promtool shows what it got where it differs: asked for no annotations, it prints the real ones."""
    result = run_promtool(tmp_path, [case for case in cases(alert) if fires(case)], annotations=True)
    shown = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', result.stdout + result.stderr)
    words = {name: text for name, text in shown if name in ALERTS[alert]["annotations"]}

    assert words.keys() == ALERTS[alert]["annotations"].keys(), result.stdout + result.stderr
    for text in words.values():
        assert "{{" not in text
        assert "error expanding" not in text
        assert "<no value>" not in text
        assert "  " not in text, f"an empty label left a hole: {text}"
        assert " ," not in text
        assert "()" not in text


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_helps_and_where_to_read_on(alert: str) -> None:
    rule = ALERTS[alert]

    assert rule["labels"]["severity"] in {"info", "warning", "critical"}
    assert rule["annotations"].keys() == {"summary", "description", "action", "runbook_url", "dashboard_url"}
    assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{alert}.md"
    assert rule["annotations"]["dashboard_url"].startswith("/d/fittingroom-")
    assert len(rule["annotations"]["action"].split()) >= 6


SECTIONS = ["## What it means", "## How to check", "## What helps", "## False alarms"]


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_runbook_page(alert: str) -> None:
    page = (RUNBOOKS / f"{alert}.md").read_text(encoding="utf-8")

    assert page.startswith(f"# {alert}\n")
    assert re.findall(r"^## .*$", page, re.MULTILINE) == SECTIONS
    assert f"**{ALERTS[alert]['labels']['severity']}**" in page


def test_there_is_no_page_for_an_alert_that_is_gone() -> None:
    assert {path.stem for path in RUNBOOKS.glob("Fittingroom*.md")} == set(ALERTS)


def test_docs_list_every_alert_with_its_severity() -> None:
    text = (ROOT / "docs/alerts.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| \[(\w+)\]\(runbooks/\1\.md\) \| (\w+) \|", text, re.MULTILINE))

    assert listed == {name: rule["labels"]["severity"] for name, rule in ALERTS.items()}


def test_the_chart_gives_prometheus_the_same_rules_as_the_files() -> None:
    """Both ways, by the operator and as rule files; only links, labels and left-out alerts may differ."""
    plain = next(
        one
        for one in of_kind(scenario_objects("plain-prometheus"), "ConfigMap")
        if one["metadata"]["name"].endswith("-rules")
    )
    from_files = [group for text in plain["data"].values() for group in yaml.safe_load(text)["groups"]]
    by_operator = [
        group
        for one in of_kind(scenario_objects("operator"), "PrometheusRule")
        for group in one["spec"]["groups"]
    ]

    assert sorted(from_files, key=_name) == sorted(groups(), key=_name)
    assert expressions(by_operator) == {
        key: value for key, value in expressions(groups()).items() if key != "FittingroomNothingFits"
    }


def _name(group: Object) -> str:
    return group["name"]


def expressions(rules: list[Object]) -> dict[str, tuple[str, str | None]]:
    return {
        rule.get("alert", rule.get("record")): (rule["expr"], rule.get("for"))
        for group in rules
        for rule in group["rules"]
    }


def test_links_lead_to_this_installations_docs_and_grafana() -> None:
    alerts = [
        rule
        for one in of_kind(scenario_objects("operator"), "PrometheusRule")
        for group in one["spec"]["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]

    assert alerts
    for rule in alerts:
        page = f"https://docs.example.com/fittingroom/runbooks/{rule['alert']}.md"
        assert rule["annotations"]["runbook_url"] == page
        assert rule["annotations"]["dashboard_url"].startswith("https://grafana.example.com/d/fittingroom-")
        assert rule["labels"]["team"] == "ml-platform"
        assert rule["labels"]["severity"]
