"""What alerts, dashboards and docs advise to type is understood as they say."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.desk import Desk
from bot.fleet import Fleet, FleetGpu, FleetNode
from bot.fleet_reader import FleetReader
from bot.thinker import Thinker
from bot.thinking import Reply
from shared.catalog.load import load_catalog
from tests.deploy.chart import CHART, ROOT

GIB = 1024**3
PLACES = (
    *sorted((CHART / "files").glob("*/*")),
    *sorted((ROOT / "docs").glob("**/*.md")),
    CHART / "templates/NOTES.txt",
    ROOT / "README.md",
)
# What stands for something, in the order in which it is filled in.
FILLED = {
    "{{ $labels.model_name }}": "meta-llama/Llama-3.1-8B-Instruct",
    "{{ $labels.model }}": "llama-3.1-8b",
    "{{ with $labels.quantization }} {{ . }}{{ end }}": " FP8",
    "$model": "llama-3.1-8b",
    "$node": "node-7",
    "NODE": "node-7",
    "MODEL": "Llama 3.1 8B",
    "QUESTION": "can Llama 3.1 8B run on A100 40GB?",
    "GPU": "node-7:gpu-0",
}
COMMANDS = sorted(
    {
        command
        for path in PLACES
        for command in re.findall(r"`/fit ([^`…]+)`", path.read_text(encoding="utf-8"))
        if not command.startswith("watch")  # the clock's, not the desk's
    }
)
GPU = FleetGpu(
    uuid="GPU-0",
    index="0",
    product="NVIDIA A100-SXM4-40GB",
    gpu_id="a100-40gb",
    total_bytes=40 * GIB,
    free_bytes=30 * GIB,
)
FLEET = Fleet(
    nodes=(
        FleetNode(name="node-7", gpus=(GPU,), age_seconds=1.0),
        FleetNode(name="node-8", gpus=(replace(GPU, uuid="GPU-1", free_bytes=35 * GIB),), age_seconds=1.0),
    ),
    source="Prometheus",
)


@pytest.fixture(scope="module")
def thinker() -> Iterator[Thinker]:
    made = Thinker(processes=0)
    yield made
    made.close()


async def asked(command: str, thinker: Thinker) -> Reply:
    """The reply to a command as somebody would type it."""
    for stands_for, typed in FILLED.items():
        command = command.replace(stands_for, typed)

    async def look(_models: bool) -> Fleet:
        return FLEET

    desk = Desk(catalog=load_catalog(), reader=FleetReader(look=look), thinker=thinker)
    return await desk.reply(command)


def test_there_is_advice() -> None:
    assert {"status", "what fits now", "on $node MODEL", "MODEL"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_command_that_is_advised_is_understood(command: str, thinker: Thinker) -> None:
    assert (await asked(command, thinker)).result == "answered"


@pytest.mark.parametrize("command", [command for command in COMMANDS if "node" in command.casefold()])
async def test_a_command_about_a_node_is_answered_for_that_node_alone(command: str, thinker: Thinker) -> None:
    said = str((await asked(command, thinker)).message)

    assert "node-7" in said
    assert "node-8" not in said
