"""What vLLM would not start is refused with a sentence that says what works."""

from dataclasses import replace

import pytest

from shared.catalog.load import load_catalog
from shared.engines.vllm import memory
from shared.errors import BadValue, Refused, Unsupported
from shared.estimator import estimate
from shared.memory.breakdown import Verdict
from shared.memory.divisibility import valid_tensor_parallel
from shared.memory.workload import Workload
from shared.units import GIB

CATALOG = load_catalog()
FACTS = CATALOG.engines["vllm"]
LLAMA = Workload(
    model=CATALOG.models["llama-3.1-8b"],
    quantization=CATALOG.quantizations["BF16"],
    engine="vllm",
    context_tokens=8192,
)


def refused(workload: Workload, gpu: str = "h100-80gb", count: int = 1) -> str:
    with pytest.raises((Refused, Unsupported, BadValue)) as problem:
        memory(workload, (CATALOG.gpus[gpu],) * count, FACTS)
    return problem.value.sentence


def test_a_tensor_parallel_size_that_does_not_divide_names_those_that_do():
    sentence = refused(replace(LLAMA, tensor_parallel=3), count=3)

    assert "32 attention heads" in sentence
    assert "1, 2, 4, 8, 16 work" in sentence


def test_tensor_parallel_beyond_the_key_value_heads_is_no_refusal_but_a_warning():
    breakdown = memory(replace(LLAMA, tensor_parallel=16), (CATALOG.gpus["h100-80gb"],) * 16, FACTS)

    assert any("replicated" in warning for warning in breakdown.warnings)


def test_more_ranks_than_gpus_says_which_size_fits_the_gpus():
    assert "--tensor-parallel-size 2 works" in refused(replace(LLAMA, tensor_parallel=4), count=2)


def test_no_gpu_at_all_points_to_llama_cpp():
    assert "llama.cpp" in refused(LLAMA, count=0)


@pytest.mark.parametrize(
    ("quantization", "gpu", "says"),
    [
        ("BF16", "t4", "--dtype half"),
        ("Q4_K_M", "h100-80gb", "AWQ"),
        ("EXL2-4.0", "h100-80gb", "AWQ"),
        ("AWQ", "v100-32gb", "7.5"),
        ("F16", "p40", "7.0"),
    ],
)
def test_a_type_the_gpu_or_the_engine_lacks_names_one_that_works(quantization, gpu, says):
    assert says in refused(replace(LLAMA, quantization=CATALOG.quantizations[quantization]), gpu)


def test_fp8_weights_on_ampere_run_widened_and_the_answer_says_so():
    workload = replace(LLAMA, quantization=CATALOG.quantizations["FP8"])
    breakdown = memory(workload, (CATALOG.gpus["a100-80gb"],), FACTS)

    assert any("Marlin" in warning for warning in breakdown.warnings)


@pytest.mark.parametrize("given", ["q8_0", "q4_0", "turbo"])
def test_a_cache_type_of_another_engine_is_refused_with_vllms_own(given):
    assert "fp8_e5m2" in refused(replace(LLAMA, kv_cache_type_k=given, kv_cache_type_v=given))


def test_keys_and_values_of_unlike_types_are_refused():
    assert "one type" in refused(replace(LLAMA, kv_cache_type_k="fp8", kv_cache_type_v="f16"))


def test_a_context_beyond_the_models_is_refused_with_the_longest():
    assert "--max-model-len 131072 works" in refused(replace(LLAMA, context_tokens=200_000))


@pytest.mark.parametrize("given", [0.0, -1.0, 1.5])
def test_a_utilization_outside_zero_to_one_is_refused(given):
    assert "fraction" in refused(replace(LLAMA, gpu_memory_utilization=given))


def test_a_batch_smaller_than_its_sequences_is_refused():
    assert "max_num_seqs" in refused(replace(LLAMA, max_num_seqs=256, max_num_batched_tokens=128))


def test_apple_silicon_is_unsupported_and_llama_cpp_is_named():
    gpu = next(gpu.id for gpu in CATALOG.gpus.values() if gpu.vendor == "apple")

    assert "llama.cpp" in refused(LLAMA, gpu)


def test_awq_groups_may_not_be_cut():
    """Qwen2.5 72B: 29,568 = 231 groups of 128, which only 1, 3, 7 … ranks share evenly."""
    model = CATALOG.models["qwen2.5-72b"]
    sentence = refused(
        replace(LLAMA, model=model, quantization=CATALOG.quantizations["AWQ"], tensor_parallel=2), count=2
    )

    assert "groups of 128" in sentence


def test_valid_sizes_of_gpt_oss_divide_its_experts():
    assert valid_tensor_parallel(CATALOG.models["gpt-oss-120b"].shape) == (1, 2, 4, 8, 16, 32, 64)


def test_fp8_blocks_that_cannot_be_cut_ask_for_expert_parallel():
    """Qwen3 235B FP8 over eight ranks: 1,536 / 8 = 192 is no multiple of 128."""
    model = replace(CATALOG.models["qwen3-235b-a22b"], native_quantization="FP8")
    workload = replace(LLAMA, model=model, quantization=CATALOG.quantizations["FP8"])
    breakdown = memory(workload, (CATALOG.gpus["h100-80gb"],) * 8, FACTS)

    assert any("--enable-expert-parallel" in warning for warning in breakdown.warnings)


@pytest.mark.parametrize("changes", [{"context_tokens": 0}, {"sequences": 0}, {"sequences": -5}])
def test_no_load_is_no_question(changes):
    assert "at least one" in refused(replace(LLAMA, **changes))


def test_a_budget_beyond_what_is_free_is_said_to_stop_vllm():
    breakdown = memory(replace(LLAMA, gpu_memory_utilization=1.0), (CATALOG.gpus["h100-80gb"],), FACTS)

    assert breakdown.server is not None
    assert not breakdown.server.starts
    assert any("will not start" in warning for warning in breakdown.warnings)


@pytest.mark.parametrize("utilization", [0.99, 1.0])
def test_a_budget_above_what_is_free_does_not_fit_and_the_smallest_that_works_is_named(utilization):
    card = CATALOG.gpus["rtx-4090"]
    asked = Workload(
        model=CATALOG.models["llama-3.1-8b"],
        quantization=CATALOG.quantizations["BF16"],
        engine="vllm",
        context_tokens=8192,
        gpu_memory_utilization=utilization,
    )
    found = estimate(asked, (card,), CATALOG)
    server = found.breakdown.server

    assert found.verdict is not Verdict.FITS
    assert server is not None
    assert server.smallest_utilization is not None
    assert f"{server.smallest_utilization:g} is enough" in found.breakdown.warnings[0]
    less = replace(asked, gpu_memory_utilization=min(0.9, server.smallest_utilization + 0.05))
    assert estimate(less, (card,), CATALOG).verdict is Verdict.FITS


def test_the_default_budget_does_not_fit_beside_a_desktop_that_holds_part_of_it():
    card = CATALOG.gpus["rtx-4090"]
    asked = Workload(
        model=CATALOG.models["llama-3.1-8b"],
        quantization=CATALOG.quantizations["BF16"],
        engine="vllm",
        context_tokens=8192,
    )
    free = card.memory_usable_bytes - 3 * GIB

    beside = estimate(asked, (card,), CATALOG, free_bytes=(free,))
    assert beside.verdict is Verdict.DOES_NOT_FIT
    assert "will not start" in beside.breakdown.warnings[0]
    smaller = replace(asked, gpu_memory_utilization=0.8)
    assert estimate(smaller, (card,), CATALOG, free_bytes=(free,)).verdict is Verdict.FITS
