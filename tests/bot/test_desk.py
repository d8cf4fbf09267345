"""The desk looks at the fleet as far as a question needs it, and no further."""

import pytest

from bot.desk import Desk
from bot.fleet import Fleet, FleetGpu, FleetNode, LoadedModel
from bot.fleet_reader import FleetReader
from bot.thinker import Thinker
from shared.catalog.load import load_catalog

GIB = 1024**3
MODEL = LoadedModel(model="llama-3.1-8b", engine="vllm", quantization="FP8")


async def look(models: bool) -> Fleet:
    """A node whose GPU runs a model, seen or left out."""
    gpu = FleetGpu(
        uuid="GPU-0",
        index="0",
        product="NVIDIA A100-SXM4-40GB",
        gpu_id="a100-40gb",
        total_bytes=40 * GIB,
        free_bytes=30 * GIB,
        loaded=(MODEL,) if models else (),
    )
    node = FleetNode(name="node-7", gpus=(gpu,), age_seconds=1.0)
    return Fleet(nodes=(node,), source="Prometheus", models=models)


@pytest.mark.parametrize(
    ("text", "models"),
    [
        ("status", True),
        ("who is using node-7", True),
        ("can Llama 3.1 8B run on A100 40GB?", False),
        ("what fits now", False),
        ("on node-7 llama 3.1 8b", False),
        ("cheapest way to run llama 3.3 70b", False),
    ],
)
async def test_what_runs_on_the_gpus_is_asked_for_only_where_it_is_shown(text: str, models: bool) -> None:
    asked: list[bool] = []

    async def counted(wanted: bool) -> Fleet:
        asked.append(wanted)
        return await look(wanted)

    thinker = Thinker(processes=0)
    reply = await Desk(catalog=load_catalog(), reader=FleetReader(look=counted), thinker=thinker).reply(text)
    thinker.close()

    assert asked == [models]
    assert ("llama-3.1-8b FP8, vllm" in str(reply.message)) == models
    assert "no model seen" not in str(reply.message)
