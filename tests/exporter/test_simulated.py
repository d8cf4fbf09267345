"""A simulated node: whatever the file says, and always marked."""

import json
from pathlib import Path

import pytest

from exporter.reading import DriverUnavailable
from exporter.simulated.node_file import BadNodeFile, read_node_file
from exporter.simulated.source import DEFAULT_NODE, SimulatedSource
from tests.exporter.running import eventually, exporter

MIB = 1024**2
SMALL = """
node = "small"
[[gpus]]
name = "NVIDIA A100-SXM4-40GB"
total_mib = 40960
reserved_mib = 620
[[gpus.processes]]
command = ["llama-server", "-m", "x.gguf"]
used_mib = 1000
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "node.toml"
    path.write_text(SMALL)
    return path


def test_used_is_what_the_processes_hold_unless_said(file: Path) -> None:
    (device,) = SimulatedSource(file).read().devices

    assert device.memory is not None
    assert device.memory.used_bytes == 1000 * MIB
    assert device.memory.free_bytes == (40960 - 620 - 1000) * MIB


def test_mig_instances_are_devices_of_their_parent(file: Path) -> None:
    file.write_text(SMALL + '[[gpus.instances]]\nprofile = "3g.20gb"\ntotal_mib = 19968\nused_mib = 100\n')

    parent, instance = SimulatedSource(file).read().devices

    assert parent.mig_enabled
    assert instance.identity.parent_uuid == parent.identity.uuid
    assert instance.memory is not None
    assert instance.memory.free_bytes == 19868 * MIB


def test_uuids_stay_the_same_from_start_to_start(file: Path) -> None:
    first, second = (SimulatedSource(file).read().devices[0].identity.uuid for _ in range(2))

    assert first == second


def test_json_of_the_same_shape_is_taken_too(tmp_path: Path) -> None:
    path = tmp_path / "node.json"
    path.write_text(json.dumps({"node": "n", "gpus": [{"name": "NVIDIA L4", "total_mib": 23034}]}))

    assert read_node_file(path).gpus[0].total_mib == 23034


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("node = 1", "node"),
        ("[[gpus", "cannot be understood"),
        (SMALL.replace("total_mib = 40960", "total_mib = 1000"), "more than total_mib"),
        (SMALL.replace("reserved_mib", "reserve_mib"), "gpus.0.reserve_mib"),
        (SMALL.replace("40960", "-1"), "gpus.0.total_mib"),
    ],
)
def test_a_file_that_describes_no_node_says_where(file: Path, text: str, says: str) -> None:
    file.write_text(text)

    with pytest.raises(BadNodeFile, match=says):
        read_node_file(file)
    with pytest.raises(DriverUnavailable, match=says):
        SimulatedSource(file).read()


def test_the_shipped_node_is_four_a100_with_one_that_is_nearly_full() -> None:
    node = read_node_file(DEFAULT_NODE)

    assert [gpu.name for gpu in node.gpus] == ["NVIDIA A100-SXM4-40GB"] * 4
    assert node.gpus[2].used_bytes == 0
    assert node.gpus[1].used_bytes > 0.85 * 40960 * MIB


def test_everything_says_simulated_and_editing_the_file_is_like_using_the_gpus(
    file: Path, tmp_path: Path
) -> None:
    with exporter("--simulate", str(file), folder=tmp_path) as running:
        series = running.series()
        assert series["fittingroom_exporter_simulated"] == [({}, 1)]
        assert {labels["source"] for labels, _ in series["fittingroom_gpu_info"]} == {"simulated"}
        assert running.report().simulated
        assert running.report().node == "small"
        assert "(simulated node)" in running.log.read_text()

        file.write_text(SMALL.replace("used_mib = 1000", "used_mib = 2000"))
        eventually(
            lambda: set(running.values("fittingroom_gpu_memory_used_bytes").values()) == {2000 * MIB},
            "the edit is seen",
        )
