"""A GPU that is plugged in, or taken out, while the exporter runs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter.nvml.bound_gpus import bound_gpus
from exporter.nvml.device import HostMemory
from exporter.nvml.driver import Nvml
from tests.fakes.libnvidia_ml import A100_40GB, H100_80GB, Node, gpu

Show = Callable[[Node], None]
ONE, OTHER = "0000:17:00.0", "0000:65:00.0"


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    """The kernel's folder of the driver, with one GPU bound."""
    folder = tmp_path / "nvidia"
    folder.mkdir()
    for name in (ONE, "bind", "module", "new_id", "uevent"):
        (folder / name).touch()
    return folder


@pytest.fixture
def nvml(driver: Path) -> Iterator[Nvml]:
    one = Nvml(HostMemory(read=lambda: (0, 0)), bound=lambda: bound_gpus(driver))
    yield one
    one.close()


def names(nvml: Nvml) -> list[str]:
    return [device.identity.name for device in nvml.read().devices]


def test_a_gpu_plugged_in_is_seen_at_the_next_look_and_one_taken_out_is_gone(
    show: Show, nvml: Nvml, driver: Path
) -> None:
    both = (gpu(A100_40GB, 0), gpu(H100_80GB, 1))
    show(Node(devices=both[:1], counted_once=True))
    assert names(nvml) == [A100_40GB[0]]

    show(Node(devices=both, counted_once=True))
    assert names(nvml) == [A100_40GB[0]], "the driver itself does not tell a session of it"
    (driver / OTHER).touch()
    assert names(nvml) == [A100_40GB[0], H100_80GB[0]]

    (driver / OTHER).unlink()
    show(Node(devices=both[:1], counted_once=True))
    assert names(nvml) == [A100_40GB[0]]


def test_only_addresses_are_gpus_and_without_the_driver_there_are_none(driver: Path, tmp_path: Path) -> None:
    assert bound_gpus(driver) == {ONE}
    assert bound_gpus(tmp_path / "none") == frozenset()
