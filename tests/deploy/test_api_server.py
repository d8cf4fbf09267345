"""The chart in a real API server: every scenario is installed, upgraded, rolled back and uninstalled.

Too heavy to be had everywhere, so it is asked for: FITTINGROOM_TEST_KUBECONFIG names the kubeconfig of an API server
that may be written to (etcd and kube-apiserver are enough, no node is needed), and helm and kubectl are on the PATH.
`python -m tests.deploy.api_server` builds such a server and runs this against it.
"""

import json
import os
import subprocess
from typing import Any

import pytest

from tests.deploy.chart import CHART, SCENARIOS, pod_specs, scenario_objects

KUBECONFIG = os.environ.get("FITTINGROOM_TEST_KUBECONFIG", "")
pytestmark = pytest.mark.skipif(not KUBECONFIG, reason="FITTINGROOM_TEST_KUBECONFIG names no API server")
KINDS = "deploy,ds,svc,cm,pvc,ingress,netpol,pdb,sa,secret"
OPERATOR = {
    "servicemonitors": "ServiceMonitor",
    "podmonitors": "PodMonitor",
    "prometheusrules": "PrometheusRule",
}


def run(*command: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "KUBECONFIG": KUBECONFIG}
    return subprocess.run(
        command, input=given, capture_output=True, text=True, check=False, env=environment, timeout=120
    )


def done(*command: str, given: str | None = None) -> str:
    made = run(*command, given=given)
    assert made.returncode == 0, made.stdout + made.stderr
    return made.stdout


def definition(plural: str, kind: str) -> dict[str, Any]:
    """The operator's kind, open: its fields are held against its schema elsewhere."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.monitoring.coreos.com"},
        "spec": {
            "group": "monitoring.coreos.com",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


@pytest.fixture(scope="module", autouse=True)
def operator() -> None:
    for plural, kind in OPERATOR.items():
        done("kubectl", "apply", "-f", "-", given=json.dumps(definition(plural, kind)))
        done("kubectl", "wait", "--for=condition=Established", f"crd/{plural}.monitoring.coreos.com")


def namespace(name: str, level: str) -> str:
    run("kubectl", "create", "namespace", name)
    done("kubectl", "label", "--overwrite", "namespace", name, f"pod-security.kubernetes.io/enforce={level}")
    return name


def held(where: str) -> set[str]:
    """Objects of ours in the namespace."""
    listed = done("kubectl", "-n", where, "get", f"{KINDS},{','.join(OPERATOR)}", "-o", "name").split()
    return {name for name in listed if "fittingroom" in name}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_is_installed_upgraded_rolled_back_and_leaves_only_peoples_watches(scenario: str) -> None:
    where = namespace(f"chart-{scenario}", "privileged")
    run("helm", "uninstall", "fr", "-n", where)
    kept = held(where)
    done("helm", "install", "fr", str(CHART), "-n", where, "-f", str(CHART / f"ci/{scenario}-values.yaml"))
    made = [
        one
        for one in scenario_objects(scenario)
        if "helm.sh/hook" not in one["metadata"].get("annotations", {})
    ]
    assert len(held(where) - kept) >= len(made) - len(kept)
    change = ("--reset-then-reuse-values", "--set", "exporter.settings.seriesLimit=5000")
    done("helm", "upgrade", "fr", str(CHART), "-n", where, *change)
    done("helm", "rollback", "fr", "1", "-n", where)
    history = json.loads(done("helm", "history", "fr", "-n", where, "-o", "json"))
    assert [one["status"] for one in history] == ["superseded", "superseded", "deployed"]
    done("helm", "uninstall", "fr", "-n", where)

    assert held(where) <= {"persistentvolumeclaim/fr-fittingroom-bot"}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_admission_lets_through_what_the_docs_say(scenario: str) -> None:
    """Everything but the exporter is "restricted"; the exporter too, where it does not see the host's processes."""
    where = namespace("chart-admission", "restricted")
    for name, spec in pod_specs(scenario_objects(scenario)):
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"generateName": "p-"},
            "spec": {
                key: value
                for key, value in spec.items()
                if key not in {"runtimeClassName", "priorityClassName"}
            },
        }
        pod["spec"]["restartPolicy"] = "Always"
        answer = run("kubectl", "-n", where, "create", "--dry-run=server", "-f", "-", given=json.dumps(pod))
        refused = "violates PodSecurity" in answer.stderr
        assert refused or answer.returncode == 0, answer.stderr
        assert refused == (name.endswith("-exporter") and bool(spec.get("hostPID"))), name
