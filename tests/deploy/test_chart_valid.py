"""Every scenario of the chart lints, renders and satisfies the schemas of what it will be given to."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.chart import CHART, SCENARIOS, deploy_package, scenario_objects, values_of

OPERATOR = "monitoring.coreos.com/v1"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_helm_lints_it_strictly(scenario: str) -> None:
    report = deploy_package("helm_python.chart").lint(CHART, values_of(scenario), strict=True)

    assert report["total_charts_linted"] == 1
    assert [message for message in report["messages"] if message["severity"] > 1] == []
    assert report["errors"] == []


def newest_minors() -> list[str]:
    versions = deploy_package("kubernetes_validate.utils").all_versions()
    minors = sorted({tuple(int(part) for part in version.split(".")[:2]) for version in versions})
    return [f"{major}.{minor}" for major, minor in minors[-3:]]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_core_objects_satisfy_the_three_newest_kubernetes_minors(scenario: str) -> None:
    validate = deploy_package("kubernetes_validate").validate
    core = [one for one in scenario_objects(scenario) if one["apiVersion"] != OPERATOR]

    assert core
    for version in newest_minors():
        for one in core:
            assert validate(one, version, strict=True) == version


def test_the_kubernetes_schemas_would_catch_a_misspelt_field() -> None:
    kubernetes = deploy_package("kubernetes_validate")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x"},
        "spec": {"hostPid": True, "containers": [{"name": "x"}]},
    }

    with pytest.raises(kubernetes.ValidationError, match="hostPid"):
        kubernetes.validate(pod, newest_minors()[-1], strict=True)


def operator_schema(kind: str) -> dict[str, Any]:
    """The operator's schema of this kind, closed: a field it does not know is an error."""
    return json.loads((Path(__file__).parent / f"schemas/{kind}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_operator_objects_satisfy_the_operators_schemas(scenario: str) -> None:
    jsonschema = deploy_package("jsonschema")

    for one in scenario_objects(scenario):
        if one["apiVersion"] == OPERATOR:
            jsonschema.validate(one, operator_schema(one["kind"]))


def test_the_matrix_has_every_operator_kind_the_chart_can_make() -> None:
    kinds = {
        one["kind"] for name in SCENARIOS for one in scenario_objects(name) if one["apiVersion"] == OPERATOR
    }

    assert kinds == {"ServiceMonitor", "PodMonitor", "PrometheusRule"}


def test_the_operators_schemas_would_catch_a_misspelt_field() -> None:
    jsonschema = deploy_package("jsonschema")
    monitor = {
        "apiVersion": OPERATOR,
        "kind": "ServiceMonitor",
        "metadata": {"name": "x"},
        "spec": {"selector": {}, "endpoints": [{"port": "x", "scrapeTimeOut": "1s"}]},
    }

    with pytest.raises(jsonschema.ValidationError, match="scrapeTimeOut"):
        jsonschema.validate(monitor, operator_schema("ServiceMonitor"))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_two_objects_of_a_kind_share_a_name(scenario: str) -> None:
    names = [(one["kind"], one["metadata"]["name"]) for one in scenario_objects(scenario)]

    assert len(names) == len(set(names))
