"""Vision and audio towers are counted in every engine: as weights, and by vLLM in its profile run."""

from dataclasses import replace

import pytest

from shared.engines import ENGINES
from shared.errors import Refused, Unsupported
from shared.memory.breakdown import Breakdown
from shared.memory.workload import Workload
from tests.shared.engines.servers import CATALOG

WITH_TOWERS = sorted(row.id for row in CATALOG.models.values() if row.towers)
H200 = CATALOG.gpus["h200"]


def held(model: str, engine: str, count: int = 8, **more) -> Breakdown | None:
    row = CATALOG.models[model]
    workload = Workload(
        model=row,
        quantization=CATALOG.quantizations["Q4_K_M" if engine == "llama.cpp" else "BF16"],
        engine=engine,
        context_tokens=2048,
        **more,
    )
    try:
        return ENGINES[engine].memory(workload, (H200,) * count, CATALOG.engines[engine])
    except (Refused, Unsupported):
        return None


@pytest.mark.parametrize("model", WITH_TOWERS)
def test_each_engine_holds_the_towers_in_16_bits_and_once(model):
    """Servers cut them over tensor parallel, llama.cpp puts them on the first GPU when asked for."""
    size = 2 * sum(tower.parameters for tower in CATALOG.models[model].towers)
    for engine in ("vllm", "sglang", "tgi"):
        breakdown = held(model, engine, 1)
        if breakdown is not None:
            assert breakdown.per_gpu[0].tower_bytes == size
    seeing = held(model, "llama.cpp", 1, projector=True)
    if seeing is not None:
        assert seeing.per_gpu[0].tower_bytes == size


def test_transformers_loads_the_tower_with_the_model():
    seeing, text = held("gemma-3-27b", "transformers", 1), CATALOG.models["gemma-3-27b"]
    language = 2 * (text.parameters - sum(tower.parameters for tower in text.towers))

    assert seeing is not None
    assert seeing.per_gpu[0].weights_bytes > language + 2 * 400_000_000


def test_vllms_profile_run_holds_a_batch_of_images():
    """Gemma 3's peak is in the public study (vllm/test_study.py); without a tower it is smaller."""
    model = CATALOG.models["gemma-3-27b"]
    blind = replace(model, id="gemma-3-27b-blind", towers=())
    activations = []
    for row in (model, blind):
        workload = Workload(
            model=row, quantization=CATALOG.quantizations["BF16"], engine="vllm", context_tokens=8192
        )
        breakdown = ENGINES["vllm"].memory(workload, (H200,), CATALOG.engines["vllm"])
        activations.append(breakdown.per_gpu[0].activation_bytes)

    assert activations[0] - activations[1] > 100 << 20
