"""SGLang's static share, its pools, and what it refuses."""

from dataclasses import replace

import pytest

from shared.catalog.load import load_catalog
from shared.engines.server import Parallel
from shared.engines.sglang import memory
from shared.engines.sglang.pool import pool
from shared.engines.sglang.settings import defaults
from shared.errors import BadValue, Refused
from shared.memory.workload import Workload
from shared.units import GIB

CATALOG = load_catalog()
FACTS = CATALOG.engines["sglang"]
H100 = CATALOG.gpus["h100-80gb"]
LLAMA = Workload(
    model=CATALOG.models["llama-3.1-8b"],
    quantization=CATALOG.quantizations["BF16"],
    engine="sglang",
    context_tokens=8192,
)


@pytest.mark.parametrize(
    ("gpu", "fraction"),
    [
        # of 24,564 MiB are kept back 512 + 1.5 x 4,096 + 128 + 2 x 48 + 8 x 50 sizes
        ("rtx-4090", 0.704),
        # of 81,559 MiB 512 + 1.5 x 8,192 + 128 + 2 x 256 + 8 x 58 sizes
        ("h100-80gb", 0.830),
    ],
)
def test_the_default_fraction_follows_sglangs_rule(gpu, fraction):
    """sglang/srt/arg_groups/memory_hook.py of 0.5.23, worked out by hand."""
    found = defaults(LLAMA.model, CATALOG.gpus[gpu], Parallel(tensor=1), FACTS, FACTS.version)

    assert found.fraction == pytest.approx(fraction, abs=0.0006)


@pytest.mark.parametrize(
    ("tokens", "printed_gib", "indexer"), [(975_424, 43.67, True), (1_462_784, 54.52, False)]
)
def test_the_pool_of_deepseek_v3_2_on_b200_is_as_printed(tokens, printed_gib, indexer):
    """Logs of sglang-dsv3.2-exp-b200: FP8 latents of 656 bytes, and 132 of the indexer, which one log leaves out."""
    model = CATALOG.models["deepseek-v3.2"]
    rows = pool(model, tuple(range(model.shape.layers)), 1, 1, FACTS, FACTS.version)
    without = 0 if indexer else 132 * model.shape.layers

    assert tokens * (rows.full_bytes - without) / GIB == pytest.approx(printed_gib, rel=0.001)


def test_the_pool_is_the_share_of_free_memory_less_the_weights():
    breakdown = memory(replace(LLAMA, gpu_memory_utilization=0.8), (H100,), FACTS)
    server, device = breakdown.server, breakdown.per_gpu[0]

    assert server is not None
    assert server.kv_pool_bytes == server.budget_bytes - device.weights_bytes
    assert server.budget_bytes == int((H100.memory_usable_bytes - device.overhead_bytes) * 0.8)
    assert server.kv_pool_tokens == server.kv_pool_bytes // (32 * 8 * 128 * 2 * 2)


def test_windowed_layers_get_four_fifths_of_the_full_layers_tokens():
    gemma = CATALOG.models["gemma-3-27b"]
    rows = pool(gemma, tuple(range(gemma.shape.layers)), 1, 2, FACTS, FACTS.version)

    assert rows.window_bytes == 52 * 16 * 128 * 2 * 2
    assert rows.cache_bytes(1000, 1) == 1000 * rows.full_bytes + 800 * rows.window_bytes


@pytest.mark.parametrize("kind", ["q8_0", "nvfp4x"])
def test_a_cache_type_sglang_lacks_is_refused_with_its_own(kind):
    with pytest.raises(Refused, match="fp8_e4m3"):
        memory(replace(LLAMA, kv_cache_type_k=kind), (H100,), FACTS)


def test_a_fraction_of_one_is_refused():
    with pytest.raises(BadValue, match="below 1"):
        memory(replace(LLAMA, gpu_memory_utilization=1.0), (H100,), FACTS)


def test_a_tensor_parallel_size_that_does_not_divide_names_those_that_do():
    with pytest.raises(Refused, match="1, 2, 4, 8, 16 work"):
        memory(replace(LLAMA, tensor_parallel=3), (H100,) * 3, FACTS)
