"""A driver library of the tests' own, loaded once per process; the node it shows is a file each test writes."""

import ctypes
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog
from tests.fakes.libnvidia_ml import Node, build


@pytest.fixture(scope="session")
def driver_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for LD_LIBRARY_PATH with our libnvidia-ml.so.1."""
    return build(tmp_path_factory.mktemp("libnvidia_ml"))


@pytest.fixture(scope="session")
def loaded_driver(driver_folder: Path) -> Path:
    """The library in this very process: pynvml's own load then finds it by its soname."""
    ctypes.CDLL(os.fspath(driver_folder / "libnvidia-ml.so.1"))
    return driver_folder


@pytest.fixture
def show(loaded_driver: Path, tmp_path: Path) -> Iterator[Callable[[Node], None]]:
    """Makes the driver in this process show a node."""
    state = tmp_path / "node.txt"
    # the C library reads the environment itself, so it is set with putenv by os.environ
    before = os.environ.get("FAKE_NVML_STATE")
    os.environ["FAKE_NVML_STATE"] = os.fspath(state)
    yield lambda node: node.write(state)
    if before is None:
        del os.environ["FAKE_NVML_STATE"]
    else:
        os.environ["FAKE_NVML_STATE"] = before


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()
