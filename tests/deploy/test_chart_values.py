"""The chart's values: documented, checked, and meaning what the programs read."""

import json
import re
import tomllib
from typing import Any

import pytest
import yaml

from bot.settings import BotSettings
from deploy.values_table import readme
from exporter.settings import ENV_PREFIX, ExporterSettings
from tests.deploy.chart import (
    CHART,
    ROOT,
    SCENARIOS,
    deploy_package,
    objects,
    only,
    pod_specs,
    rendered_text,
    scenario_objects,
)

VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))


def test_chart_and_programs_have_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert chart["version"] == chart["appVersion"] == project["version"]


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    return SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def keys(schema: dict[str, Any], path: str = "") -> set[str]:
    found = set()
    for name, part in resolve(schema).get("properties", {}).items():
        found |= {f"{path}{name}"} | keys(part, f"{path}{name}.")
    return found


def value_keys(values: dict[str, Any], path: str = "") -> set[str]:
    found = set()
    for name, value in values.items():
        found.add(f"{path}{name}")
        if isinstance(value, dict):
            found |= value_keys(value, f"{path}{name}.")
    return found


def test_the_schema_knows_every_value_and_refuses_all_others() -> None:
    free = {"nodeSelector", "requests", "limits", "labels", "annotations"}  # maps of the user's own keys
    named = {key for key in value_keys(VALUES) if not free & set(key.split(".")[:-1])}

    assert named <= keys(SCHEMA)
    assert _open_objects(SCHEMA) == []


def _open_objects(schema: Any, path: str = "") -> list[str]:
    """Where an object with named properties would take other keys too."""
    if not isinstance(schema, dict):
        return []
    found = [path] if "properties" in schema and schema.get("additionalProperties") is not False else []
    for name, part in schema.items():
        found += _open_objects(part, f"{path}/{name}")
    return found


def test_the_readmes_table_is_made_from_the_values() -> None:
    """After a change: python -m deploy.values_table."""
    text = (CHART / "README.md").read_text(encoding="utf-8")

    assert readme(text) == text
    assert text.count("\n| `") > 100


def test_every_value_has_its_comment() -> None:
    lines = (CHART / "values.yaml").read_text(encoding="utf-8").splitlines()
    grouped = {
        "appTokenKey",
        "signingSecretKey",
        "requests",
        "limits",
        "rollingUpdate",
    }  # told by the line above
    bare = [
        f"{number}: {line}"
        for number, line in enumerate(lines)
        if re.match(r"^ *[a-zA-Z]+: *[^ #]", line)
        and not lines[number - 1].lstrip().startswith("#")
        and not _inside_documented(lines, number)
        and line.split(":")[0].strip() not in grouped
    ]

    assert bare == []


def _inside_documented(lines: list[str], number: int) -> bool:
    """Whether a mapping that encloses this line carries the comment for its content."""
    depth = len(lines[number]) - len(lines[number].lstrip())
    for above in range(number - 1, -1, -1):
        line = lines[above]
        indent = len(line) - len(line.lstrip())
        if line.strip() and indent < depth and not line.lstrip().startswith("#"):
            if lines[above - 1].lstrip().startswith("#"):
                return True
            depth = indent
    return False


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"exporter": {"hostPid": True}}, "hostPid"),
        ({"bot": {"replicas": "three"}}, "replicas"),
        ({"exporter": {"resources": {"limits": {"nvidia.com/gpu": 1}}}}, "nvidia.com/gpu"),
        ({"bot": {"replicas": 2}}, "bot.database.existingSecret"),
        ({"bot": {"ingress": {"enabled": True, "host": "x"}}}, "mode: http"),
        ({"bot": {"mode": "http", "ingress": {"enabled": True}}}, "bot.ingress.host"),
        ({"bot": {"prometheusUrl": "http://a", "exporterUrls": ["http://b"]}}, "not both"),
        ({"bot": {"prometheusUrl": "prometheus:9090"}}, "prometheusUrl"),
        ({"monitoring": {"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}}, "not both"),
        ({"monitoring": {"scrapeAnnotations": True, "podMonitor": {"enabled": True}}}, "not both"),
        ({"exporter": {"simulate": "default"}}, "gpuAccess"),
        ({"bot": {"workspaces": {"clientId": "1"}}}, "mode: http"),
        ({"bot": {"mode": "http", "workspaces": {"clientId": "1"}}}, "bot.workspaces.existingSecret"),
        ({"bot": {"alerts": {"routes": ["severity=critical:C1"]}}}, "bot.alerts.existingSecret"),
        ({"bot": {"alerts": {"routes": ["critical"]}}}, "routes"),
    ],
)
def test_a_mistake_is_refused_with_the_name_of_the_value(values: dict[str, Any], says: str) -> None:
    errors = deploy_package("helm_python.errors")

    with pytest.raises(errors.HelmError, match=re.escape(says)):
        rendered_text(values)


def environment(scenario: str, component: str) -> dict[str, str | None]:
    """The variables the chart sets; None for values that come from elsewhere."""
    kind = {"exporter": "DaemonSet", "bot": "Deployment"}[component]
    found = [one for one in scenario_objects(scenario) if one["kind"] == kind]
    return {
        variable["name"]: variable.get("value")
        for one in found
        for container in one["spec"]["template"]["spec"]["containers"]
        for variable in container["env"]
    }


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_exporter_reads_every_variable_the_chart_sets(
    scenario: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = {
        name: value
        for name, value in environment(scenario, "exporter").items()
        if name.startswith(ENV_PREFIX)
    }
    for name, value in ours.items():
        monkeypatch.setenv(name, "node-1" if value is None else value)
    settings = ExporterSettings()

    fields = {name.removeprefix(ENV_PREFIX).lower() for name in ours}
    assert fields <= ExporterSettings.model_fields.keys()
    assert scenario == "bot-only" or fields >= {"node", "listen_address", "port", "log_format"}
    assert fields == settings.model_fields_set


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name != "mig"])
def test_the_bot_reads_every_variable_the_chart_sets_and_misses_none(
    scenario: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_by_chart = environment(scenario, "bot")
    for name, value in set_by_chart.items():
        monkeypatch.setenv(name, "from-a-secret" if value is None else value)
    settings = BotSettings()
    known = {field.validation_alias for field in BotSettings.model_fields.values()}

    assert set_by_chart.keys() - known == set()
    assert settings.missing() == ()
    assert settings.host == "0.0.0.0"


def test_a_probe_waits_no_longer_than_the_next_one() -> None:
    for scenario in SCENARIOS:
        for _, spec in pod_specs(scenario_objects(scenario)):
            for container in spec["containers"]:
                for probe in ("livenessProbe", "readinessProbe"):
                    if probe in container:
                        assert container[probe]["timeoutSeconds"] < container[probe]["periodSeconds"]


def test_the_monitors_give_the_labels_that_rules_and_dashboards_go_by() -> None:
    monitors = [one for one in scenario_objects("operator") if one["kind"] == "ServiceMonitor"]

    assert len(monitors) == 2
    for monitor in monitors:
        component = monitor["metadata"]["labels"]["app.kubernetes.io/component"]
        relabelings = monitor["spec"]["endpoints"][0]["relabelings"]
        fixed = {one["targetLabel"]: one.get("replacement") for one in relabelings}
        assert fixed["job"] == f"fittingroom-{component}"
        assert fixed["cluster"] == "west"
        assert "node" in fixed


def test_a_monitor_finds_the_service_and_its_port() -> None:
    found = scenario_objects("operator")
    for component in ("exporter", "bot"):
        wanted = only(found, "ServiceMonitor", component)["spec"]
        service = only(found, "Service", component)
        assert wanted["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
        assert [port["name"] for port in service["spec"]["ports"]] == [wanted["endpoints"][0]["port"]]


def test_a_long_release_name_stays_within_kubernetes_limit() -> None:
    helm = deploy_package("helm_python.chart")
    with helm.Chart.load(CHART) as chart:
        texts = chart.render(
            {"monitoring": {"dashboards": {"enabled": True}}}, name="x" * 53, namespace="gpu"
        )
    names = [
        one["metadata"]["name"]
        for path, text in texts.items()
        if path.endswith(".yaml")
        for one in yaml.safe_load_all(text)
        if one
    ]

    assert max(len(name) for name in names) <= 63


def test_everything_can_be_turned_off() -> None:
    assert objects({"exporter": {"enabled": False}, "bot": {"enabled": False}}) == []
