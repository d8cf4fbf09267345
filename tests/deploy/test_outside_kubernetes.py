"""Images, compose file, units and the plain Prometheus configuration: checked by the tools they are for."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bot.settings import BotSettings
from exporter.settings import ENV_PREFIX, ExporterSettings
from tests.deploy.chart import CHART, ROOT, deploy_package
from tests.deploy.test_alerts import ALERTS
from tests.real_parts import program

DEPLOY = ROOT / "deploy"
CONTAINERFILE = (DEPLOY / "images/Containerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text(encoding="utf-8"))
OURS = ("exporter", "bot")
READ = {f"{ENV_PREFIX}{name.upper()}" for name in ExporterSettings.model_fields} | {
    str(field.validation_alias) for field in BotSettings.model_fields.values()
}


def run(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def stage(name: str) -> str:
    """The instructions of one stage of the Containerfile."""
    found = re.search(rf"^FROM \S+ AS {name}\n(.*?)(?=^FROM |\Z)", CONTAINERFILE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize("target", OURS)
def test_an_image_runs_as_nobody_says_what_it_is_and_can_be_asked_for_its_health(target: str) -> None:
    assert re.search(r"^USER 65532:65532$", stage("base"), re.MULTILINE)
    assert "USER" not in stage(target)
    assert f'image.title="fittingroom-{target}"' in stage(target)
    assert "/healthz" in stage(target)
    assert f'ENTRYPOINT ["python", "-m", "{target}"]' in stage(target)
    assert f"--from=build-{target} " in stage(target)


@pytest.mark.parametrize("target", OURS)
def test_an_image_holds_the_locks_versions_and_its_own_dependencies_only(target: str) -> None:
    assert f"-c constraints.txt '.[{target}]'" in stage(f"build-{target}")
    assert "sbom.py" in stage(f"build-{target}")
    assert not re.search(r"^ADD|curl|wget|apt-get", CONTAINERFILE, re.MULTILINE)


def test_the_bots_image_keeps_watches_in_its_volume_and_not_in_a_home_it_lacks() -> None:
    (volume,) = re.findall(r"^VOLUME (\S+)$", stage("bot"), re.MULTILINE)

    assert f"FITTINGROOM_DATABASE_URL=sqlite:///{volume}/" in stage("bot")
    assert f"bot:{volume}" in COMPOSE["services"]["bot"]["volumes"]


def test_every_variable_of_the_images_and_the_compose_file_is_read_by_a_program() -> None:
    text = CONTAINERFILE + yaml.safe_dump(COMPOSE)
    text += "".join(path.read_text(encoding="utf-8") for path in (DEPLOY / "systemd").glob("*.service"))
    named = set(re.findall(r"FITTINGROOM_[A-Z_]+[A-Z]", text))

    assert named - READ - {"FITTINGROOM_EXPORTER"} == set()


def test_what_a_builder_is_given_is_what_the_stages_copy() -> None:
    """Everything else is kept out, secrets and caches first of all."""
    kept = {
        line.removeprefix("!")
        for line in (DEPLOY / "images/Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", CONTAINERFILE, re.MULTILINE)
        for word in line.split()
    }

    assert copied == kept
    assert all((ROOT / name).exists() for name in copied)


def test_the_bill_of_materials_lists_what_is_installed() -> None:
    made = run(sys.executable, str(DEPLOY / "images/sbom.py"), "fittingroom-exporter")
    bill = json.loads(made.stdout)
    versions = {one["name"]: one["version"] for one in bill["components"]}

    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "fittingroom-exporter"
    assert versions["pydantic"]
    assert versions["fittingroom"]
    assert all(one["purl"].startswith("pkg:pypi/") for one in bill["components"])


def test_the_compose_file_is_valid() -> None:
    deploy_package("check_jsonschema")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    checked = run(*command, str(DEPLOY / "compose/compose.yaml"))

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_compose_opens_ports_on_loopback_only_and_pins_every_image() -> None:
    for name, service in COMPOSE["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name


def test_files_that_compose_mounts_exist() -> None:
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / "compose" / source).exists(), source


@pytest.mark.parametrize("unit", OURS)
def test_systemd_takes_the_unit(unit: str, tmp_path: Path) -> None:
    """Under its own rules; only the program's path is changed to one that exists here."""
    text = (DEPLOY / f"systemd/fittingroom-{unit}.service").read_text(encoding="utf-8")
    path = tmp_path / f"fittingroom-{unit}.service"
    path.write_text(text.replace("/opt/fittingroom/bin/python", sys.executable), encoding="utf-8")
    checked = run(program("systemd-analyze"), "verify", "--man=no", str(path))

    assert "fittingroom" not in checked.stderr, checked.stderr


@pytest.mark.parametrize(("unit", "exposure"), [("exporter", 20), ("bot", 15)])
def test_a_unit_is_as_closed_as_systemd_can_judge(unit: str, exposure: int) -> None:
    """`systemd-analyze security` gives tenths of points; 10.0 is wide open."""
    path = DEPLOY / f"systemd/fittingroom-{unit}.service"
    judged = run(
        program("systemd-analyze"), "security", "--offline=true", f"--threshold={exposure}", str(path)
    )

    assert judged.returncode == 0, judged.stdout[-300:] + judged.stderr


def test_prometheus_takes_the_configuration_with_the_charts_rules_beside_it(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "prometheus/prometheus.yml", tmp_path)
    shutil.copytree(CHART / "files/alerts", tmp_path / "alerts")
    checked = run(program("promtool"), "check", "config", "--lint-fatal", "prometheus.yml", cwd=tmp_path)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(ALERTS)} rules found" in checked.stdout


def test_alertmanager_takes_the_configuration_and_sends_by_severity() -> None:
    config = str(DEPLOY / "prometheus/alertmanager.yml")
    checked = run(program("amtool"), "check-config", config)
    assert checked.returncode == 0, checked.stdout + checked.stderr

    def receiver(**labels: str) -> str:
        asked = [f"{name}={value}" for name, value in labels.items()]
        return run(
            program("amtool"), "config", "routes", "test", f"--config.file={config}", *asked
        ).stdout.strip()

    assert receiver(alertname="FittingroomModelAtLimit", severity="critical") == "fittingroom-bot"
    assert receiver(alertname="FittingroomModelNearLimit", severity="warning") == "fittingroom-bot"
    assert receiver(alertname="FittingroomNothingFits", severity="info") == "nobody"


def test_alertmanager_names_only_alerts_that_exist() -> None:
    text = (DEPLOY / "prometheus/alertmanager.yml").read_text(encoding="utf-8")

    assert set(re.findall(r"Fittingroom\w+", text)) <= set(ALERTS)
