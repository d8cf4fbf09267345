"""Random sequences of everything a driver can do: nothing crashes, nothing hangs, no wrong value passes for fresh."""

import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.known_devices import remembered, with_the_missing
from exporter.look import Reconnecting
from exporter.nvml.device import HostMemory
from exporter.nvml.driver import Nvml
from exporter.reading import DeviceIdentity, DeviceReading, DriverUnavailable
from exporter.tally import Counts
from shared.catalog.catalog import Catalog
from tests.exporter.snapshots import look_at, reporter
from tests.fakes.libnvidia_ml import A100_40GB, GIB, H100_80GB, MIB, Device, Node, Process, gpu

SEQUENCES = int(os.environ.get("FITTINGROOM_FAULT_SEQUENCES", "300"))
STEPS = 12
CALLS = (
    "nvmlInitWithFlags", "nvmlShutdown", "nvmlSystemGetDriverVersion", "nvmlDeviceGetCount_v2",
    "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetName", "nvmlDeviceGetUUID", "nvmlDeviceGetMemoryInfo",
    "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetComputeRunningProcesses_v3",
    "nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetMPSComputeRunningProcesses_v3", "nvmlDeviceGetMigMode",
    "nvmlDeviceGetMaxMigDeviceCount", "nvmlDeviceGetMigDeviceHandleByIndex", "nvmlDeviceGetGpuInstanceId",
    "nvmlDeviceGetUtilizationRates", "nvmlDeviceGetPowerUsage", "nvmlDeviceGetEnforcedPowerLimit",
    "nvmlDeviceGetTemperature", "nvmlDeviceGetTotalEccErrors", "nvmlEventSetCreate",
    "nvmlEventSetWait_v2", "nvmlEventSetFree", "nvmlDeviceRegisterEvents", "*",
)  # fmt: skip
CODES = (*range(1, 31), 999, 4711)


def random_device(chance: random.Random, index: int) -> Device:
    kind = chance.choice([A100_40GB, H100_80GB])
    pids = chance.sample(range(100, 1000), chance.randrange(4))
    lists = ("compute", "graphics", "mps")
    processes = tuple(
        Process(pid=pid, used=chance.choice([None, chance.randrange(4 * GIB)]), list=chance.choice(lists))
        for pid in pids
    )
    used = chance.randrange(30) * GIB
    instances: dict[int, Device] = {}
    if chance.random() < 0.2:
        for slot in chance.sample(range(8), chance.randrange(1, 4)):
            name = f"{kind[0]} MIG 1g.5gb"
            used_there = chance.randrange(4864) * MIB
            instances[slot] = Device(
                uuid=f"MIG-{index}-{slot}", name=name, total=4864 * MIB, used=used_there, gi=slot
            )
    return gpu(kind, index, used=used, processes=processes, instances=instances)


def random_step(chance: random.Random, node: Node) -> Node:
    """The node a moment later: used differently, with faults, repartitioned, short of a GPU, or reloaded."""
    devices = tuple(random_device(chance, index) for index in range(chance.randrange(1, 9)))
    errors = tuple(
        (chance.choice(CALLS), chance.randrange(-1, len(devices)), chance.choice(CODES))
        for _ in range(chance.choice([0, 0, 1, 2, 5]))
    )
    epoch = node.epoch + (chance.random() < 0.15)
    new = range(len(node.xids), len(node.xids) + chance.choice([0, 0, 0, 1, 3]))
    xids = tuple((number + 1, chance.randrange(len(devices)), chance.choice([13, 48, 79])) for number in new)
    return Node(devices=devices, driver=f"580.{epoch}", epoch=epoch, errors=errors, xids=(*node.xids, *xids))


def truth(node: Node) -> dict[str, Device]:
    """Every device of a node by uuid."""
    found: dict[str, Device] = {}
    for device in node.devices:
        found[device.uuid] = device
        found |= {instance.uuid: instance for instance in device.instances.values()}
    return found


def check(reading: DeviceReading, node: Node) -> None:
    """A value that is shown is the one that is true now."""
    if reading.xid_errors is not None:  # the fake's GPUs keep their index, and so their uuid
        codes = [code for _, index, code in node.xids if str(index) == reading.identity.index]
        assert reading.xid_errors <= len(codes)
        assert reading.xid_last_code in {None, *codes}
        assert (reading.xid_last_code is None) == (reading.xid_errors == 0)
    if reading.down_reason is not None:
        assert reading.memory is None
        assert reading.processes is None
        return
    device = truth(node)[reading.identity.uuid]  # a device that is not there must not be up
    if reading.memory is not None:
        assert reading.memory.total_bytes == device.total
        assert reading.memory.free_bytes == device.free
        with_reserve = device.used + (device.reserved if reading.memory.reserved_bytes is None else 0)
        assert reading.memory.used_bytes == with_reserve
    if reading.temperature_celsius is not None:
        assert reading.temperature_celsius == device.temp
    if reading.processes is not None:
        listed = {process.pid for process in device.processes}
        assert {process.pid for process in reading.processes} <= listed


Show = Callable[[Node], None]


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_whatever_the_driver_does_what_is_shown_is_true_now(show: Show, seed: int) -> None:
    chance = random.Random(seed)
    now = [0.0]
    nvml = Nvml(HostMemory(read=lambda: (GIB, GIB), never_for={A100_40GB[0], H100_80GB[0]}))
    session = Reconnecting(nvml, 5.0, lambda: now[0])
    node = Node(devices=(gpu(A100_40GB, 0),))
    known: dict[str, DeviceIdentity] = {}
    for _ in range(STEPS):
        node = random_step(chance, node)
        show(node)
        now[0] += chance.choice([1.0, 10.0, 100.0])
        try:
            reading = session.read()
        except DriverUnavailable as failure:
            assert failure.sentence  # noqa: PT017  failing is as good an outcome; that it says why is the point
            devices = with_the_missing(known, (), reason=failure.code)
            assert all(device.down_reason is not None for device in devices)
            continue
        known = dict(remembered(known, reading.devices))
        devices = with_the_missing(known, reading.devices)
        assert len({device.identity.uuid for device in devices}) == len(devices)
        for device in devices:
            check(device, node)
    # when everything is well again, everything is shown again, after no more than the longest pause
    node = replace(node, errors=())
    show(node)
    for _ in range(2):
        now[0] += 100.0
        try:
            reading = session.read()
        except DriverUnavailable:
            continue
    assert {device.identity.uuid for device in reading.devices if device.down_reason is None} == set(
        truth(node)
    )
    nvml.close()


def test_whatever_was_seen_becomes_a_report_and_metrics(show: Show, catalog: Catalog, tmp_path: Path) -> None:
    """The whole way from a broken driver to the JSON, for many broken drivers."""
    chance = random.Random(7)
    nvml = Nvml(HostMemory(read=lambda: (GIB, GIB), never_for={A100_40GB[0], H100_80GB[0]}))
    reports = reporter(catalog, tmp_path, simulated=False)
    node = Node(devices=(gpu(A100_40GB, 0),))
    for _ in range(60):
        node = random_step(chance, node)
        show(node)
        try:
            look = look_at(nvml.read())
        except DriverUnavailable as failure:
            look = look_at(None, failure_code=failure.code, failure=failure.sentence)
            nvml.close()
        report = reports.snapshot(look, Counts()).report
        for shown in report.gpus:
            actual = truth(node).get(shown.uuid)
            if shown.memory is not None:
                assert actual is not None
                assert shown.memory.free_bytes == actual.free
                assert all(
                    (fit.headroom_bytes is None) or fit.fits_now == (fit.headroom_bytes >= 0)
                    for fit in shown.fits
                )
            else:
                assert shown.fits == ()
    nvml.close()
