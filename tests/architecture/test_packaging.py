"""The three top-level names are ours alone, and only declared dependencies are imported."""

import re
import tomllib
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("package", ["bot", "exporter", "shared"])
def test_a_generic_package_name_belongs_to_our_distribution_alone(package: str) -> None:
    owners = set(packages_distributions().get(package, []))  # an editable install does not list its packages
    spec = find_spec(package)

    assert owners <= {"fittingroom"}
    assert spec is not None
    assert Path(str(spec.origin)).parent == ROOT / package


def test_every_test_folder_is_a_package() -> None:
    """Without __init__.py, `import bot` in a test would mean tests/bot."""
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}

    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_the_lock_pins_every_direct_dependency_by_name_and_version_only() -> None:
    lock = (ROOT / "constraints.txt").read_text()
    pinned = {re.split("==", line)[0] for line in lock.splitlines()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [
        *project["project"]["dependencies"],
        *[item for extra in project["project"]["optional-dependencies"].values() for item in extra],
        *project["dependency-groups"]["dev"],
    ]
    names = {re.split(r"[<>=\[ ~!]", item)[0].lower() for item in wanted}

    assert names - pinned == set()
    assert all(re.fullmatch(r"[a-z0-9._-]+==[^\s/]+", line) for line in lock.splitlines())
