"""What the exporter reads through the real pynvml from a driver that does what drivers do."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter.nvml.device import HostMemory
from exporter.nvml.driver import Nvml
from exporter.reading import CallError, DriverUnavailable, MemoryReading, ProcessReading
from tests.fakes.libnvidia_ml import A100_40GB, GIB, H100_80GB, MIB, Device, Node, Process, build, gpu

ROOT = Path(__file__).parents[2]
HOST_MEMORY = (128 * GIB, 100 * GIB)

LOST, UNKNOWN, NOT_SUPPORTED, NO_PERMISSION, NOT_LOADED, MISMATCH = 15, 999, 3, 4, 9, 18
ON_ALL = -1


@pytest.fixture
def nvml() -> Iterator[Nvml]:
    driver = Nvml(HostMemory(read=lambda: HOST_MEMORY, never_for={A100_40GB[0]}))
    yield driver
    driver.close()


Show = Callable[[Node], None]


def test_memory_is_read_with_the_drivers_reserve_apart(show: Show, nvml: Nvml) -> None:
    show(Node(devices=(gpu(A100_40GB, 0, used=10 * GIB), gpu(H100_80GB, 1))))

    first, second = nvml.read().devices

    assert first.memory == MemoryReading(
        total_bytes=40960 * MIB,
        used_bytes=10 * GIB,
        reserved_bytes=620 * MIB,
        free_bytes=(40960 - 620) * MIB - 10 * GIB,
    )
    assert (first.identity.name, second.identity.index) == ("NVIDIA A100-SXM4-40GB", "1")
    assert second.memory is not None
    assert second.memory.free_bytes == (81559 - 479) * MIB


def test_a_failing_call_spoils_only_its_own_value(show: Show, nvml: Nvml) -> None:
    show(
        Node(
            devices=(gpu(A100_40GB, 0), gpu(A100_40GB, 1)), errors=(("nvmlDeviceGetPowerUsage", 0, UNKNOWN),)
        )
    )

    reading = nvml.read()

    assert [device.power_watts for device in reading.devices] == [None, 60.0]
    assert all(device.memory and device.temperature_celsius == 35 for device in reading.devices)
    assert reading.errors == (CallError(call="nvmlDeviceGetPowerUsage", code="unknown"),)


def test_what_a_gpu_does_not_support_is_absent_and_no_error(show: Show, nvml: Nvml) -> None:
    show(Node(devices=(gpu(A100_40GB, 0),), errors=(("nvmlDeviceGetTotalEccErrors", ON_ALL, NOT_SUPPORTED),)))

    reading = nvml.read()

    assert reading.devices[0].ecc_uncorrected_errors is None
    assert reading.errors == ()


@pytest.mark.parametrize("code", [UNKNOWN, 25, 13])
def test_without_the_second_memory_call_the_first_answers_and_the_reserve_is_unknown(
    show: Show, nvml: Nvml, code: int
) -> None:
    show(Node(devices=(gpu(A100_40GB, 0, used=GIB),), errors=(("nvmlDeviceGetMemoryInfo_v2", ON_ALL, code),)))

    memory = nvml.read().devices[0].memory

    assert memory is not None
    assert memory.reserved_bytes is None
    assert memory.used_bytes == GIB + 620 * MIB  # v1 counts the reserve as used
    assert memory.free_bytes == (40960 - 620) * MIB - GIB


def test_a_driver_too_old_to_have_the_second_memory_call_is_read(tmp_path: Path) -> None:
    build(tmp_path, old_driver=True)
    Node(devices=(gpu(A100_40GB, 0, used=GIB),)).write(tmp_path / "state")
    script = (
        "import json; from exporter.nvml.driver import HostMemory, Nvml; "
        "memory = Nvml(HostMemory(read=lambda: (1, 1))).read().devices[0].memory; "
        "print(json.dumps([memory.used_bytes, memory.reserved_bytes]))"
    )
    environment = os.environ | {"LD_LIBRARY_PATH": str(tmp_path), "FAKE_NVML_STATE": str(tmp_path / "state")}

    out = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    ).stdout

    assert json.loads(out) == [GIB + 620 * MIB, None]


def test_a_lost_gpu_is_down_and_the_others_are_read(show: Show, nvml: Nvml) -> None:
    node = Node(devices=(gpu(A100_40GB, 0), gpu(A100_40GB, 1)))
    show(node)
    uuid = nvml.read().devices[1].identity.uuid
    show(Node(devices=node.devices, errors=(("*", 1, LOST),)))

    healthy, lost = nvml.read().devices

    assert healthy.down_reason is None
    assert healthy.memory is not None
    assert (lost.identity.uuid, lost.down_reason, lost.memory) == (uuid, "gpu_is_lost", None)


def test_a_gpu_lost_in_the_middle_of_a_look_shows_no_value_of_it(show: Show, nvml: Nvml) -> None:
    show(Node(devices=(gpu(A100_40GB, 0),), errors=(("nvmlDeviceGetTemperature", 0, LOST),)))

    device = nvml.read().devices[0]

    assert device.down_reason == "gpu_is_lost"
    assert device.memory is None
    assert device.identity.uuid.startswith("GPU-")


@pytest.mark.parametrize(
    ("call", "code", "name"),
    [
        ("nvmlInitWithFlags", NOT_LOADED, "driver_not_loaded"),
        ("nvmlInitWithFlags", MISMATCH, "lib_rm_version_mismatch"),
        ("nvmlInitWithFlags", NO_PERMISSION, "no_permission"),
        ("nvmlInitWithFlags", UNKNOWN, "unknown"),
        ("nvmlInitWithFlags", 4711, "code_4711"),
        ("nvmlDeviceGetCount_v2", UNKNOWN, "unknown"),
        ("nvmlDeviceGetMemoryInfo_v2", MISMATCH, "lib_rm_version_mismatch"),
    ],
)
def test_a_driver_that_is_gone_is_one_sentence(
    show: Show, nvml: Nvml, call: str, code: int, name: str
) -> None:
    show(Node(devices=(gpu(A100_40GB, 0),), errors=((call, ON_ALL, code),)))

    with pytest.raises(DriverUnavailable) as raised:
        nvml.read()

    assert raised.value.code == name
    assert raised.value.sentence.endswith(".")
    assert raised.value.errors[-1].code == name


def test_a_reloaded_driver_fails_one_look_and_a_new_session_sees_it(show: Show, nvml: Nvml) -> None:
    show(Node(devices=(gpu(A100_40GB, 0),), epoch=1))
    nvml.read()
    show(Node(devices=(gpu(A100_40GB, 0, used=GIB),), epoch=2, driver="590.10"))

    with pytest.raises(DriverUnavailable, match="unloaded"):
        nvml.read()
    nvml.close()
    reading = nvml.read()

    assert reading.driver_version == "590.10"
    assert reading.devices[0].memory is not None
    assert reading.devices[0].memory.used_bytes == GIB


def test_no_library_at_all_is_said_as_such(tmp_path: Path) -> None:
    script = (
        "from exporter.nvml.driver import HostMemory, Nvml\n"
        "from exporter.reading import DriverUnavailable\n"
        "try: Nvml(HostMemory(read=lambda: (1, 1))).read()\n"
        "except DriverUnavailable as error: print(error.code, error.sentence)"
    )
    environment = {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}

    out = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    ).stdout

    if "library_not_found" not in out:
        pytest.skip("this machine has a real driver")
    assert "libnvidia-ml.so.1 is not installed" in out


def test_mig_instances_are_devices_with_memory_of_their_own(show: Show, nvml: Nvml) -> None:
    # sizes of 3g.20gb and 1g.5gb as an A100 40GB reports them
    large = Device(uuid="MIG-a", name="NVIDIA A100-SXM4-40GB MIG 3g.20gb", total=19968 * MIB, used=GIB, gi=1)
    small = Device(uuid="MIG-b", name="NVIDIA A100-SXM4-40GB MIG 1g.5gb", total=4864 * MIB, gi=9)
    show(Node(devices=(gpu(A100_40GB, 0, instances={0: large, 3: small}),)))

    parent, first, second = nvml.read().devices

    assert parent.mig_enabled
    assert (first.identity.index, first.identity.mig_profile, first.identity.parent_uuid) == (
        "0:0",
        "3g.20gb",
        parent.identity.uuid,
    )
    assert first.memory is not None
    assert first.memory.free_bytes == 19968 * MIB - GIB
    assert (second.identity.index, second.identity.memory_kind) == ("0:3", "mig")


def test_compute_instances_that_share_memory_count_it_once(show: Show, nvml: Nvml) -> None:
    shared = [
        Device(uuid=f"MIG-{n}", name="NVIDIA A100-SXM4-40GB MIG 1c.3g.20gb", total=19968 * MIB, gi=1)
        for n in "ab"
    ]
    show(Node(devices=(gpu(A100_40GB, 0, instances=dict(enumerate(shared))),)))

    _, first, second = nvml.read().devices

    assert first.memory is not None
    assert second.memory is None


def test_a_mig_parent_that_may_not_be_read_leaves_its_instances_readable(show: Show, nvml: Nvml) -> None:
    one = Device(uuid="MIG-a", name="NVIDIA A100-SXM4-40GB MIG 3g.20gb", total=19968 * MIB, gi=1)
    refused = tuple((f"nvmlDeviceGetMemoryInfo{v}", 0, NO_PERMISSION) for v in ("", "_v2"))
    show(Node(devices=(gpu(A100_40GB, 0, instances={0: one}),), errors=refused))

    parent, instance = nvml.read().devices

    assert parent.memory is None
    assert parent.identity.memory_kind == "dedicated"  # refused is not the same as having none
    assert instance.down_reason is None


def test_the_same_process_in_several_lists_counts_once(show: Show, nvml: Nvml) -> None:
    processes = (
        Process(pid=42, used=8 * GIB),
        Process(pid=42, used=9 * GIB, list="graphics"),
        Process(pid=43, used=None),
        Process(pid=44, used=GIB, list="mps"),
    )
    show(Node(devices=(gpu(A100_40GB, 0, used=20 * GIB, processes=processes),)))

    assert nvml.read().devices[0].processes == (
        ProcessReading(pid=42, used_bytes=9 * GIB),
        ProcessReading(pid=43, used_bytes=None),
        ProcessReading(pid=44, used_bytes=GIB),
    )


def test_many_processes_are_all_listed(show: Show, nvml: Nvml) -> None:
    processes = tuple(Process(pid=1000 + n, used=MIB) for n in range(300))
    show(Node(devices=(gpu(A100_40GB, 0, used=20 * GIB, processes=processes),)))

    assert len(nvml.read().devices[0].processes or ()) == 300


def test_a_process_list_that_cannot_be_true_is_no_list(show: Show, nvml: Nvml) -> None:
    """A driver and a library of different ages shift the fields: pids become sizes."""
    show(Node(devices=(gpu(A100_40GB, 0, processes=(Process(pid=42, used=2**50),)),)))

    reading = nvml.read()

    assert reading.devices[0].processes is None
    assert CallError(call="nvmlDeviceGetComputeRunningProcesses", code="implausible") in reading.errors


@pytest.mark.parametrize("how", ["refused", "zeroes"])
def test_a_gpu_without_memory_of_its_own_uses_the_hosts(show: Show, nvml: Nvml, how: str) -> None:
    """GB10: some drivers answer "not supported", some answer success and zeroes."""
    spark = Device(uuid="GPU-s", name="NVIDIA GB10", total=0, processes=(Process(pid=7, used=3 * GIB),))
    errors = (
        tuple((f"nvmlDeviceGetMemoryInfo{v}", 0, NOT_SUPPORTED) for v in ("", "_v2"))
        if how == "refused"
        else ()
    )
    show(Node(devices=(spark,), errors=errors))

    device = nvml.read().devices[0]

    assert device.identity.memory_kind == "unified"
    assert device.memory == MemoryReading(total_bytes=128 * GIB, free_bytes=100 * GIB, used_bytes=3 * GIB)


def test_a_gpu_known_to_have_memory_never_shows_the_hosts(show: Show, nvml: Nvml) -> None:
    errors = tuple((f"nvmlDeviceGetMemoryInfo{v}", 0, NOT_SUPPORTED) for v in ("", "_v2"))
    show(Node(devices=(gpu(A100_40GB, 0),), errors=errors))

    device = nvml.read().devices[0]

    assert (device.memory, device.identity.memory_kind) == (None, "dedicated")


def test_memory_that_cannot_be_true_is_unreadable(show: Show, nvml: Nvml) -> None:
    show(Node(devices=(Device(uuid="GPU-x", name="NVIDIA A100", total=GIB, used=2**63),)))

    reading = nvml.read()

    assert reading.devices[0].memory is None
    assert CallError(call="nvmlDeviceGetMemoryInfo", code="implausible") in reading.errors


def test_sensors_come_in_base_units(show: Show, nvml: Nvml) -> None:
    show(Node(devices=(gpu(A100_40GB, 0, util=37, power=123_456, temp=61, ecc=2),)))

    device = nvml.read().devices[0]

    assert (device.utilization_ratio, device.power_watts, device.power_limit_watts) == (0.37, 123.456, 400.0)
    assert (device.temperature_celsius, device.ecc_uncorrected_errors) == (61.0, 2)
