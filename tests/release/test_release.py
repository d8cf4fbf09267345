"""The wheel and the source distribution work in an empty environment, and hold all that they must."""

import hashlib
import subprocess
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from deploy.release.__main__ import build_chart, build_python, notes, write_bills, write_checksums
from deploy.release.trial import TRIALS, Environment
from deploy.release.version import REPEATED, ROOT, repeated, version
from tests.deploy.chart import deploy_package

PACKAGES = ("bot", "exporter", "shared")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build_python(tmp_path_factory.mktemp("dist"))


def committed(*folders: str) -> set[str]:
    """Every file of these folders that git knows."""
    listed = subprocess.run(
        ["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}


@pytest.mark.parametrize("path", REPEATED)
def test_files_that_repeat_the_version_have_pyprojects(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")

    assert text == repeated(path)
    assert version() in text


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(built: tuple[Path, Path]) -> None:
    """Facts, migrations, the page's assets and py.typed are files like any other."""
    with zipfile.ZipFile(built[0]) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert committed(*PACKAGES) <= held
    assert {name.split("/")[0] for name in held} == set(PACKAGES)
    assert {Path(name).suffix for name in held} >= {".py", ".toml", ".css", ".js", ".typed"}


def test_images_and_compose_can_be_built_from_the_source_distribution(built: tuple[Path, Path]) -> None:
    """It is the build context: what a builder is given is in it, and so is what compose mounts."""
    with tarfile.open(built[1]) as source:
        held = {name.split("/", 1)[1] for name in source.getnames() if "/" in name}
    given = [
        line.removeprefix("!")
        for line in (ROOT / "deploy/images/Containerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]

    assert committed(*given) <= held
    assert committed("deploy") <= held


@pytest.mark.parametrize("extra", TRIALS)
def test_it_works_in_an_empty_environment(extra: str, built: tuple[Path, Path], tmp_path: Path) -> None:
    """The wheel with the bot's dependencies, the source distribution with the exporter's: as the images have them."""
    distribution = built[list(TRIALS).index(extra)]
    environment = Environment.made(tmp_path / extra, distribution, [extra])
    environment.try_out(extra)
    bill = write_bills(environment, extra, tmp_path).read_text(encoding="utf-8")

    assert ('"slack-bolt"' in bill or '"slack_bolt"' in bill) == (extra == "bot")
    assert ('"nvidia-ml-py"' in bill) == (extra == "exporter")


def test_helm_packages_the_chart_under_our_version_without_its_test_values(tmp_path: Path) -> None:
    deploy_package("helm_python.chart")
    with tarfile.open(build_chart(tmp_path)) as chart:
        names = chart.getnames()

    assert "fittingroom/values.schema.json" in names
    assert "fittingroom/files/alerts/fittingroom-alerts.yaml" in names
    assert not any(name.startswith("fittingroom/ci/") for name in names)
    assert (tmp_path / f"fittingroom-{version()}.tgz").exists()


def test_checksums_are_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"x")

    assert write_checksums(tmp_path).read_text() == f"{hashlib.sha256(b'x').hexdigest()}  a.whl\n"


def test_the_notes_are_a_part_of_the_changelog() -> None:
    assert notes().startswith("- ")
    assert notes().strip() in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_command_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert set(project["scripts"]) == {"fit", "fittingroom-bot", "fittingroom-exporter"}
