"""DeepSeek V4 in vLLM: pages of five sizes in tables that share blocks, held to what public runs printed."""

from dataclasses import replace

import pytest

from shared.catalog.load import load_catalog
from shared.errors import Refused, Unsupported
from shared.estimator import Estimate, estimate
from shared.memory.workload import Workload
from shared.units import GIB

CATALOG = load_catalog()
H200, B200 = CATALOG.gpus["h200"], CATALOG.gpus["b200"]
FLASH = Workload(
    model=CATALOG.models["deepseek-v4-flash"],
    quantization=CATALOG.quantizations["MXFP4-FP8"],
    engine="vllm",
    context_tokens=30_000,
    tensor_parallel=2,
    max_num_batched_tokens=16_384,
    engine_version="0.22",
)


def on_two(load: Workload) -> Estimate:
    return estimate(load, (H200, H200), CATALOG)


@pytest.mark.parametrize(("context", "printed_gib"), [(30_000, 6.66), (13_528, 5.44)])
def test_a_sequence_takes_what_vllm_0_22_printed(context: int, printed_gib: float) -> None:
    """https://github.com/vllm-project/vllm/issues/44376: 6.66 GiB for 30,000 tokens; 5.44 GiB hold 13,528 at most.

    Two GH200 with the LLM class, whose batches are of 16,384 tokens.
    """
    held = on_two(replace(FLASH, context_tokens=context)).breakdown.per_gpu[0].kv_cache_bytes

    assert round(held / GIB, 2) == printed_gib


def test_one_block_more_is_one_token_too_many() -> None:
    """13,528 is the longest that 5.44 GiB hold in that log: to 0.01 GiB, the next step of 64 tokens takes more."""
    longest = on_two(replace(FLASH, context_tokens=13_528)).breakdown.per_gpu[0].kv_cache_bytes
    more = on_two(replace(FLASH, context_tokens=13_528 + 64)).breakdown.per_gpu[0].kv_cache_bytes

    assert 0 < more - longest < 0.04 * GIB


def test_a_million_tokens_run_as_often_at_once_as_a_log_says() -> None:
    """https://github.com/vllm-project/recipes/issues/762: 20.43 sequences of 1M tokens on eight B200 with 0.25."""
    load = replace(
        FLASH,
        context_tokens=1_048_576,
        tensor_parallel=8,
        max_num_batched_tokens=8192,
        max_num_seqs=256,
        gpu_memory_utilization=0.95,
        engine_version="0.25",
    )
    server = estimate(load, (B200,) * 8, CATALOG).breakdown.server

    assert server is not None
    assert server.max_concurrency == pytest.approx(20.43, rel=0.03)


def test_the_cache_is_the_same_on_every_rank_and_shared_out_over_a_pipeline() -> None:
    """All heads share one row of keys, which no rank can do without."""
    two, four = (
        estimate(replace(FLASH, tensor_parallel=ranks), (H200,) * ranks, CATALOG).breakdown.per_gpu[0]
        for ranks in (2, 4)
    )
    piped = estimate(replace(FLASH, pipeline_parallel=2), (H200,) * 4, CATALOG).breakdown.per_gpu[0]

    assert two.kv_cache_bytes == four.kv_cache_bytes
    assert 0.45 < piped.kv_cache_bytes / two.kv_cache_bytes < 0.6


def test_what_vllm_would_not_start_is_refused() -> None:
    a100 = CATALOG.gpus["a100-80gb"]
    with pytest.raises(Refused, match="does not know"):
        on_two(replace(FLASH, engine_version="0.19"))
    with pytest.raises(Refused, match="no kernels of sparse attention"):
        estimate(replace(FLASH, tensor_parallel=8), (a100,) * 8, CATALOG)
    with pytest.raises(Unsupported, match="FP8 only"):
        on_two(replace(FLASH, kv_cache_type_k="bf16", kv_cache_type_v="bf16"))
