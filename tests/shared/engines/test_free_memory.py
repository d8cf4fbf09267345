"""What others take of the GPUs: engines that act on what is free are estimated on that, vLLM on the whole card."""

from dataclasses import replace

import pytest

from shared.catalog.load import load_catalog
from shared.estimator import Estimate, as_now, estimate
from shared.memory.breakdown import Verdict
from shared.memory.workload import Workload

CATALOG = load_catalog()
A100 = CATALOG.gpus["a100-40gb"]
GIB = 1024**3


def load(engine: str, quantization: str = "Q4_K_M") -> Workload:
    return Workload(
        model=CATALOG.models["llama-3.3-70b"],
        quantization=CATALOG.quantizations[quantization],
        engine=engine,
        context_tokens=8192,
        tensor_parallel=2 if engine in {"vllm", "sglang"} else None,
    )


def on_two(engine: str, *free_gib: int, quantization: str = "Q4_K_M") -> Estimate:
    free = tuple(size * GIB for size in free_gib) or None
    return estimate(load(engine, quantization), (A100, A100), CATALOG, free_bytes=free)


def test_llama_cpp_splits_layers_by_what_is_free_so_a_fuller_gpu_takes_fewer() -> None:
    """The same split as --tensor-split 39,13 gives; halves would need 21 GiB of the second GPU."""
    even, free = on_two("llama.cpp"), on_two("llama.cpp", 39, 13)
    named = estimate(replace(load("llama.cpp"), tensor_split=(39, 13)), (A100, A100), CATALOG)

    assert even.breakdown.per_gpu[1].total_bytes > 20 * GIB
    assert free.breakdown.per_gpu == named.breakdown.per_gpu
    assert free.verdict is Verdict.FITS
    assert free.gpus == (A100, A100)


def test_a_split_that_is_named_stays_whatever_is_free() -> None:
    named = replace(load("llama.cpp"), tensor_split=(1, 1))
    found = estimate(named, (A100, A100), CATALOG, free_bytes=(39 * GIB, 13 * GIB))

    assert found.breakdown == estimate(named, (A100, A100), CATALOG).breakdown
    assert found.verdict is Verdict.DOES_NOT_FIT


def test_vllms_layout_is_that_of_empty_gpus() -> None:
    """Its budget is a share of the whole card, so it does not start beside another process."""
    found = on_two("vllm", 39, 13, quantization="W4A16")

    assert found.breakdown.per_gpu == on_two("vllm", quantization="W4A16").breakdown.per_gpu
    assert "will not start" in found.breakdown.warnings[0]


@pytest.mark.parametrize("engine", ["llama.cpp", "vllm", "sglang", "transformers"])
@pytest.mark.parametrize("free_gib", [(38, 38), (38, 20), (5, 38), (0, 0)])
def test_an_estimate_of_empty_gpus_brought_up_to_date_is_one_made_now(
    engine: str, free_gib: tuple[int, int]
) -> None:
    quantization = "Q4_K_M" if engine == "llama.cpp" else "W4A16"
    if engine == "transformers":
        quantization = "NF4"
    free = tuple(size * GIB for size in free_gib)
    empty = on_two(engine, quantization=quantization)

    now = as_now(empty, CATALOG, free)
    anew = estimate(empty.workload, empty.gpus, CATALOG, free_bytes=free)

    assert now.breakdown.per_gpu == anew.breakdown.per_gpu
    assert (now.slack_bytes, now.uncertainty_bytes, now.verdict) == (
        anew.slack_bytes,
        anew.uncertainty_bytes,
        anew.verdict,
    )
