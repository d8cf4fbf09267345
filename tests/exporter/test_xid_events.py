"""Xid errors through the real pynvml: counted once each, kept through a lost GPU and a reloaded driver."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter.metrics import families
from exporter.nvml.device import HostMemory
from exporter.nvml.driver import Nvml
from exporter.reading import CallError
from exporter.tally import Counts
from shared import metric_names as names
from shared.catalog.catalog import Catalog
from tests.exporter.snapshots import look_at, reporter
from tests.fakes.libnvidia_ml import A100_40GB, Node, gpu

Show = Callable[[Node], None]
NODE = Node(devices=(gpu(A100_40GB, 0), gpu(A100_40GB, 1)))
LOST, UNKNOWN, NOT_SUPPORTED, NO_PERMISSION = 15, 999, 3, 4


@pytest.fixture
def nvml() -> Iterator[Nvml]:
    driver = Nvml(HostMemory(read=lambda: (0, 0), never_for={A100_40GB[0]}))
    yield driver
    driver.close()


def xids(nvml: Nvml) -> list[tuple[int | None, int | None]]:
    return [(one.xid_errors, one.xid_last_code) for one in nvml.read().devices]


def with_xids(node: Node, *events: tuple[int, int]) -> Node:
    """The node after these events of (GPU, code)."""
    told = tuple((number, index, code) for number, (index, code) in enumerate(events, start=1))
    return Node(devices=node.devices, errors=node.errors, epoch=node.epoch, xids=told)


def test_each_event_is_counted_once_for_its_gpu_and_the_last_code_is_kept(show: Show, nvml: Nvml) -> None:
    show(NODE)
    assert xids(nvml) == [(0, None), (0, None)]
    show(with_xids(NODE, (1, 13), (1, 48)))
    assert xids(nvml) == [(0, None), (2, 48)]
    assert xids(nvml) == [(0, None), (2, 48)]
    show(with_xids(NODE, (1, 13), (1, 48), (0, 63)))
    assert xids(nvml) == [(1, 63), (2, 48)]


def test_what_happened_before_we_listened_is_not_ours_to_count(show: Show, nvml: Nvml) -> None:
    show(with_xids(NODE, (0, 79)))
    assert xids(nvml) == [(0, None), (0, None)]


def test_a_gpu_that_fell_off_the_bus_still_says_why(show: Show, nvml: Nvml) -> None:
    show(NODE)
    xids(nvml)
    fallen = with_xids(NODE, (0, 79))
    show(Node(devices=fallen.devices, xids=fallen.xids, errors=(("*", 0, LOST),)))
    reading = nvml.read()
    assert reading.devices[0].down_reason == "gpu_is_lost"
    assert (reading.devices[0].xid_errors, reading.devices[0].xid_last_code) == (1, 79)


def test_counts_go_on_through_a_reloaded_driver(show: Show, nvml: Nvml) -> None:
    show(NODE)
    xids(nvml)
    show(with_xids(NODE, (1, 31)))
    assert xids(nvml)[1] == (1, 31)
    nvml.close()
    show(Node(devices=NODE.devices, epoch=2, xids=((1, 1, 31),)))
    assert xids(nvml)[1] == (1, 31)
    show(Node(devices=NODE.devices, epoch=2, xids=((1, 1, 31), (2, 1, 43))))
    assert xids(nvml)[1] == (2, 43)


@pytest.mark.parametrize("call", ["nvmlEventSetCreate", "nvmlDeviceRegisterEvents", "nvmlEventSetWait_v2"])
def test_without_support_only_these_series_are_absent(show: Show, nvml: Nvml, call: str) -> None:
    show(Node(devices=NODE.devices, errors=((call, -1, NOT_SUPPORTED),)))
    reading = nvml.read()
    assert [one.xid_errors for one in reading.devices] == [None, None]
    assert all(one.memory and one.temperature_celsius == 35 for one in reading.devices)
    assert reading.errors == ()


def test_one_gpu_without_support_spoils_nothing_of_the_other(show: Show, nvml: Nvml) -> None:
    show(Node(devices=NODE.devices, errors=(("nvmlDeviceRegisterEvents", 0, NOT_SUPPORTED),)))
    assert xids(nvml) == [(None, None), (0, None)]


def test_events_that_cannot_be_fetched_now_are_absent_now_and_an_error(show: Show, nvml: Nvml) -> None:
    show(NODE)
    xids(nvml)
    show(Node(devices=NODE.devices, errors=(("nvmlEventSetWait_v2", -1, NO_PERMISSION),)))
    reading = nvml.read()
    assert [one.xid_errors for one in reading.devices] == [None, None]
    assert reading.errors == (CallError(call="nvmlEventSetWait_v2", code="no_permission"),)
    show(with_xids(NODE, (0, 13)))
    assert xids(nvml) == [(1, 13), (0, None)]


def test_a_scrape_shows_them_also_of_a_gpu_that_is_down(
    show: Show, nvml: Nvml, catalog: Catalog, tmp_path: Path
) -> None:
    show(NODE)
    nvml.read()
    fallen = with_xids(NODE, (0, 79))
    show(Node(devices=fallen.devices, xids=fallen.xids, errors=(("*", 0, LOST),)))
    reports = reporter(catalog, tmp_path, simulated=False)
    snapshot = reports.snapshot(look_at(nvml.read()), Counts())
    values = {
        one.name: {sample.labels["uuid"][-1]: sample.value for sample in one.samples}
        for one in families(snapshot)
        if one.name.startswith("fittingroom_gpu_xid")
    }
    assert values == {
        names.GPU_XID_ERRORS.name.removesuffix("_total"): {"0": 1, "1": 0},
        names.GPU_XID_LAST_CODE.name: {"0": 79},
    }
