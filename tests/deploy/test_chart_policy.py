"""What the pods may do: pod security "restricted" for the bot, and for the exporter every exception is a switch."""

from typing import Any

import pytest

from tests.deploy.chart import SCENARIOS, Object, objects, of_kind, only, pod_specs, scenario_objects

# The volume types that pod security "restricted" allows (kubernetes.io, Pod Security Standards).
RESTRICTED_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def breaches(spec: Object) -> set[str]:
    """Where a pod goes beyond pod security "restricted"."""
    pod = spec.get("securityContext", {})
    found = {f"host {name}" for name in ("hostPID", "hostIPC", "hostNetwork") if spec.get(name)}
    for volume in spec.get("volumes", []):
        if not RESTRICTED_VOLUMES & volume.keys():
            (kind,) = volume.keys() - {"name"}
            found.add(f"volume {kind}")
    for container in spec["containers"]:
        own = container.get("securityContext", {})
        if own.get("privileged"):
            found.add("privileged")
        if own.get("allowPrivilegeEscalation", True):
            found.add("privilege escalation")
        if not {**pod, **own}.get("runAsNonRoot") or {**pod, **own}.get("runAsUser") == 0:
            found.add("root")
        if {**pod, **own}.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            found.add("no seccomp profile")
        if own.get("capabilities", {}).get("drop") != ["ALL"]:
            found.add("capabilities kept")
        found |= {f"capability {name}" for name in own.get("capabilities", {}).get("add", [])}
        found |= {"host port" for port in container.get("ports", []) if "hostPort" in port}
    return found


EXCEPTIONS = {  # scenario -> what its exporter needs beyond "restricted", and nothing else
    "bot-only": None,
    "default": {"host hostPID"},
    "http-three-replicas": {"host hostPID"},
    "many-workspaces": {"host hostPID"},
    "mig": {"host hostPID", "volume hostPath", "root", "privilege escalation", "capability SYS_ADMIN"},
    "operator": {"host hostPID"},
    "plain-prometheus": {"host hostPID"},
    "pod-names": {"host hostPID", "volume hostPath", "root"},
    "restricted": set(),
    "simulated": set(),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_exporter_goes_beyond_restricted_only_where_a_switch_says_so(scenario: str) -> None:
    exporters = of_kind(scenario_objects(scenario), "DaemonSet")

    assert [breaches(one["spec"]["template"]["spec"]) for one in exporters] == (
        [] if EXCEPTIONS[scenario] is None else [EXCEPTIONS[scenario]]
    )


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_everything_else_satisfies_pod_security_restricted(scenario: str) -> None:
    others = [
        (name, spec) for name, spec in pod_specs(scenario_objects(scenario)) if not name.endswith("-exporter")
    ]

    assert others
    assert {name: breaches(spec) for name, spec in others if breaches(spec)} == {}


def containers(scenario: str) -> list[Any]:
    return [one for _, spec in pod_specs(scenario_objects(scenario)) for one in spec["containers"]]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_file_of_an_image_can_be_changed_and_memory_is_limited(scenario: str) -> None:
    for container in containers(scenario):
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["resources"]["limits"]["memory"]
        assert container["resources"]["requests"].keys() >= {"cpu", "memory"}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_nothing_asks_for_a_gpu(scenario: str) -> None:
    """An exporter that requests nvidia.com/gpu takes one from a model."""
    for container in containers(scenario):
        asked = container["resources"]["requests"].keys() | container["resources"]["limits"].keys()
        assert asked <= {"cpu", "memory"}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_pod_can_talk_to_the_api_server(scenario: str) -> None:
    """The least RBAC is none: no object grants a right and no token is mounted."""
    found = scenario_objects(scenario)

    assert not [one for one in found if "rbac" in one["apiVersion"]]
    assert all(spec["automountServiceAccountToken"] is False for _, spec in pod_specs(found))
    assert all(one["automountServiceAccountToken"] is False for one in of_kind(found, "ServiceAccount"))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_secrets_come_by_reference_only(scenario: str) -> None:
    found = scenario_objects(scenario)

    assert of_kind(found, "Secret") == []
    for container in containers(scenario):
        for variable in container.get("env", []):
            if any(word in variable["name"] for word in ("TOKEN", "SECRET", "PASSWORD")):
                assert "secretKeyRef" in variable["valueFrom"]


def test_what_a_health_check_asks_does_not_depend_on_the_driver() -> None:
    (container,) = only(scenario_objects("default"), "DaemonSet")["spec"]["template"]["spec"]["containers"]

    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["ports"][0]["containerPort"] == 9835


def test_the_exporter_may_call_nothing_and_be_called_on_one_port() -> None:
    policy = only(scenario_objects("default"), "NetworkPolicy", "exporter")["spec"]

    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["egress"] == []
    assert [port["port"] for rule in policy["ingress"] for port in rule["ports"]] == ["http-metrics"]


def ports_out(scenario: str) -> set[int]:
    policy = only(scenario_objects(scenario), "NetworkPolicy", "bot")["spec"]
    return {port["port"] for rule in policy["egress"] for port in rule["ports"]}


def test_the_bot_may_call_slack_dns_its_database_and_where_the_fleet_is_read() -> None:
    assert ports_out("operator") == {53, 443, 9835, 9090, 5432}
    assert ports_out("plain-prometheus") == {53, 443, 9835, 80, 5432}
    assert ports_out("http-three-replicas") == {53, 443, 9835, 5432}


def test_a_driver_upgrade_can_move_the_exporter_away_first() -> None:
    selector = only(scenario_objects("operator"), "DaemonSet")["spec"]["template"]["spec"]["nodeSelector"]

    assert selector["nvidia.com/gpu.deploy.client"] == "true"
    assert selector["nvidia.com/gpu.present"] == "true"


def test_one_bot_on_sqlite_never_overlaps_itself_and_three_are_never_all_away() -> None:
    alone, three = scenario_objects("default"), scenario_objects("http-three-replicas")

    assert only(alone, "Deployment")["spec"]["strategy"] == {"type": "Recreate"}
    assert of_kind(alone, "PodDisruptionBudget") == []
    assert only(three, "Deployment")["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert only(three, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    assert of_kind(three, "PersistentVolumeClaim") == []


def test_the_ingress_opens_slacks_paths_only() -> None:
    (rule,) = only(scenario_objects("http-three-replicas"), "Ingress")["spec"]["rules"]

    assert [path["path"] for path in rule["http"]["paths"]] == ["/slack"]


def test_one_key_of_a_security_context_can_be_changed_also_to_nought() -> None:
    values = {"exporter": {"podSecurityContext": {"runAsUser": 0, "runAsNonRoot": False}}}
    context = only(objects(values), "DaemonSet")["spec"]["template"]["spec"]["securityContext"]

    assert context["runAsUser"] == 0
    assert context["runAsNonRoot"] is False
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
