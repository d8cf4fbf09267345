"""The chart rendered by the real Helm engine, for tests."""

import importlib
import os
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/helm/fittingroom"
SCENARIOS = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml"))

Object = dict[str, Any]


def deploy_package(name: str) -> ModuleType:
    """A package of the dependency group `deploy`; without it the test is skipped, or fails where parts are required."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        reason = f"{missing.name} is not installed; it comes with the dependency group 'deploy'"
    if os.environ.get("FITTINGROOM_REQUIRE_REAL_PARTS"):
        pytest.fail(reason)
    pytest.skip(reason)


def values_of(scenario: str) -> Object:
    """The values of ci/<scenario>-values.yaml."""
    return yaml.safe_load((CHART / f"ci/{scenario}-values.yaml").read_text(encoding="utf-8"))


def rendered_text(values: Object) -> dict[str, str]:
    """Every template's output by its path."""
    helm = deploy_package("helm_python.chart")
    with helm.Chart.load(CHART) as chart:
        return chart.render(values, name="demo", namespace="gpu")


def objects(values: Object) -> list[Object]:
    """Every Kubernetes object these values give, in the order of the templates' names."""
    texts = rendered_text(values)
    return [
        one
        for path in sorted(texts)
        if path.endswith(".yaml")
        for one in yaml.safe_load_all(texts[path])
        if one is not None
    ]


@cache
def scenario_objects(scenario: str) -> tuple[Object, ...]:
    """The objects of one scenario; do not change them."""
    return tuple(objects(values_of(scenario)))


def only(found: tuple[Object, ...] | list[Object], kind: str, component: str | None = None) -> Object:
    """The one object of this kind (and component)."""
    (one,) = of_kind(found, kind, component)
    return one


def of_kind(
    found: tuple[Object, ...] | list[Object], kind: str, component: str | None = None
) -> list[Object]:
    """The objects of this kind (and component)."""
    return [
        one
        for one in found
        if one["kind"] == kind
        and component in (None, one["metadata"]["labels"]["app.kubernetes.io/component"])
    ]


def pod_specs(found: tuple[Object, ...] | list[Object]) -> list[tuple[str, Object]]:
    """Each pod that would run: its name and its spec."""
    specs = []
    for one in found:
        if one["kind"] == "Pod":
            specs.append((one["metadata"]["name"], one["spec"]))
        elif one["kind"] in {"DaemonSet", "Deployment"}:
            specs.append((one["metadata"]["name"], one["spec"]["template"]["spec"]))
    return specs
