"""Text-generation-inference: what the warm-up leaves, and what it refuses. Nothing here has been measured."""

from dataclasses import replace

import pytest

from shared.catalog.load import load_catalog
from shared.catalog.rows import LayerKind
from shared.engines.tgi import memory
from shared.engines.tgi.memory import token_bytes
from shared.errors import Refused, Unsupported
from shared.memory.workload import Workload

CATALOG = load_catalog()
FACTS = CATALOG.engines["tgi"]
H100 = CATALOG.gpus["h100-80gb"]
LLAMA = Workload(
    model=CATALOG.models["llama-3.1-8b"],
    quantization=CATALOG.quantizations["BF16"],
    engine="tgi",
    context_tokens=8192,
)


def test_the_pool_is_nine_tenths_of_the_gpu_less_what_is_held():
    breakdown = memory(LLAMA, (H100,), FACTS)
    server, device = breakdown.server, breakdown.per_gpu[0]

    assert server is not None
    assert server.budget_bytes == int(H100.memory_usable_bytes * 0.9)
    held = device.weights_bytes + device.activation_bytes + device.overhead_bytes
    assert server.kv_pool_bytes == server.budget_bytes - held


def test_versions_before_three_left_a_twentieth():
    old = memory(replace(LLAMA, engine_version="2.0.1"), (H100,), FACTS).server

    assert old is not None
    assert old.budget_bytes == int(H100.memory_usable_bytes * 0.95)


def test_windowed_layers_keep_every_token_and_latent_ones_whole_keys_and_values():
    gemma = CATALOG.models["gemma-3-27b"]
    deepseek = CATALOG.models["deepseek-v3"]

    assert token_bytes(gemma, 1, 2) == 62 * 16 * 128 * 2 * 2
    assert token_bytes(deepseek, 8, 2) == 61 * (128 // 8) * 2 * 192 * 2


def test_the_answer_says_that_nothing_was_measured():
    assert memory(LLAMA, (H100,), FACTS).evidence == "none"


def test_recurrent_models_are_unsupported():
    model = next(row for row in CATALOG.models.values() if LayerKind.RECURRENT in row.shape.layer_pattern)
    with pytest.raises(Unsupported, match="vLLM"):
        memory(replace(LLAMA, model=model, context_tokens=512), (H100,), FACTS)


@pytest.mark.parametrize(
    ("changes", "count", "says"),
    [
        ({"pipeline_parallel": 2}, 2, "--num-shard"),
        ({"quantization": CATALOG.quantizations["EXL2-4.0"]}, 2, "--num-shard 1 works"),
        ({"kv_cache_type_k": "q8_0"}, 1, "fp8_e4m3fn"),
        ({"quantization": CATALOG.quantizations["Q4_K_M"]}, 1, "llama.cpp"),
    ],
)
def test_what_it_refuses_names_what_works(changes, count, says):
    with pytest.raises(Refused) as problem:
        memory(replace(LLAMA, **changes), (H100,) * count, FACTS)

    assert says in problem.value.sentence
