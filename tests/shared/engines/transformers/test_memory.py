"""Transformers: layers over GPUs by device_map, and a cache that grows. Nothing here has been measured."""

from dataclasses import replace

import pytest

from shared.catalog.load import load_catalog
from shared.engines.transformers import memory
from shared.engines.transformers.placement import placement
from shared.errors import Refused
from shared.memory.workload import Workload

CATALOG = load_catalog()
FACTS = CATALOG.engines["transformers"]
H100 = CATALOG.gpus["h100-80gb"]
LLAMA = Workload(
    model=CATALOG.models["llama-3.1-8b"],
    quantization=CATALOG.quantizations["BF16"],
    engine="transformers",
    context_tokens=8192,
)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("model_id", ["llama-3.1-70b", "mixtral-8x22b", "gemma-3-27b"])
def test_every_layer_is_placed_once_in_order_and_no_byte_is_lost(model_id, count):
    model, quantization = CATALOG.models[model_id], CATALOG.quantizations["BF16"]
    parts = placement(model, quantization, (2**40,) * count).parts
    one = placement(model, quantization, (2**40,)).parts[0]

    assert [layer for part in parts for layer in part.layers] == list(range(model.shape.layers))
    assert sum(part.weights_bytes for part in parts) == one.weights_bytes


def test_two_gpus_share_seventy_billion_weights_about_evenly():
    """The first holds less: it keeps room for a layer; the buffer lets it take at most 1.25 layers more than half."""
    model, quantization = CATALOG.models["llama-3.1-70b"], CATALOG.quantizations["BF16"]
    first, second = placement(model, quantization, (2**40,) * 2).parts

    assert 0.45 < first.weights_bytes / (first.weights_bytes + second.weights_bytes) < 0.55


def test_weights_that_do_not_fit_are_counted_and_the_offload_is_said():
    workload = replace(LLAMA, model=CATALOG.models["llama-3.1-70b"])
    breakdown = memory(workload, (H100,), FACTS)

    assert breakdown.per_gpu[0].weights_bytes > H100.memory_usable_bytes
    assert any("to the host" in warning for warning in breakdown.warnings)


def test_without_a_gpu_all_of_it_is_host_memory():
    breakdown = memory(LLAMA, (), FACTS)

    assert breakdown.per_gpu == ()
    assert breakdown.host.weights_bytes > 14 * 2**30


def test_the_cache_of_llama_is_128_kib_a_token():
    assert memory(LLAMA, (H100,), FACTS).per_gpu[0].kv_cache_bytes == 8192 * 131_072


def test_windowed_layers_keep_their_window_only():
    """Gemma 3 27B at 65,536 tokens: ten full layers, 52 of 1,024 tokens."""
    workload = replace(LLAMA, model=CATALOG.models["gemma-3-27b"], context_tokens=65_536)

    assert memory(workload, (H100,), FACTS).per_gpu[0].kv_cache_bytes == 8192 * (65_536 * 10 + 1024 * 52)


def test_transformers_four_cached_the_keys_and_values_of_every_latent_head():
    deepseek = replace(LLAMA, model=CATALOG.models["deepseek-v2-lite"])
    new = memory(deepseek, (H100,), FACTS).per_gpu[0].kv_cache_bytes
    old = memory(replace(deepseek, engine_version="4.57"), (H100,), FACTS).per_gpu[0].kv_cache_bytes

    assert new == 8192 * 27 * (512 + 64) * 2
    assert old == 8192 * 27 * 16 * (192 + 128) * 2


def test_a_recurrent_model_keeps_its_state_apart():
    model = CATALOG.models["qwen3-next-80b-a3b"]
    device = memory(replace(LLAMA, model=model), (H100,) * 4, FACTS).per_gpu

    assert sum(part.recurrent_state_bytes for part in device) > 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tensor_parallel": 2}, "use vLLM"),
        ({"kv_cache_type_k": "fp8"}, "16 bits"),
        ({"quantization": CATALOG.quantizations["Q4_K_M"]}, "NF4"),
    ],
)
def test_what_it_refuses_names_what_works(changes, says):
    with pytest.raises(Refused) as problem:
        memory(replace(LLAMA, **changes), (H100,) * 2, FACTS)

    assert says in problem.value.sentence
