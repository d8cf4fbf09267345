"""What `helm test` runs in the cluster, run here against real pages."""

import os
import subprocess
import sys
from pathlib import Path

from tests.deploy.chart import only, scenario_objects
from tests.deploy.live import exporter, free_port


def helm_test(**environment: str) -> subprocess.CompletedProcess[str]:
    """The test pod's command with other addresses."""
    (container,) = only(scenario_objects("default"), "Pod", "test")["spec"]["containers"]
    command = [sys.executable, *container["command"][1:]]
    variables = {**os.environ, **{one["name"]: "" for one in container["env"]}, **environment}
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=60)


def test_it_passes_when_the_exporters_answer(tmp_path: Path) -> None:
    with exporter(tmp_path, "gpu-1", 'node = "gpu-1"\ngpus = []\n') as port:
        tested = helm_test(EXPORTER=f"http://127.0.0.1:{port}")

    assert tested.returncode == 0, tested.stderr
    assert tested.stdout == "1 exporters answer\n"


def test_it_fails_with_the_address_when_nobody_answers() -> None:
    tested = helm_test(EXPORTER=f"http://127.0.0.1:{free_port()}")

    assert tested.returncode != 0
    assert "http://127.0.0.1:" in tested.stderr
    assert "Traceback" not in tested.stderr


def test_it_asks_the_services_that_the_chart_makes() -> None:
    found = scenario_objects("default")
    (container,) = only(found, "Pod", "test")["spec"]["containers"]
    asked = {one["name"]: one["value"] for one in container["env"]}

    for component, variable in (("exporter", "EXPORTER"), ("bot", "BOT")):
        service = only(found, "Service", component)
        (port,) = service["spec"]["ports"]
        assert asked[variable] == f"http://{service['metadata']['name']}.gpu:{port['port']}"
