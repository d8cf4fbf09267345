"""Sharing out: more GPUs never need less together, and more room never makes a fit a misfit."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.catalog.rows import LayerKind
from shared.memory.breakdown import DeviceMemory, Verdict
from shared.memory.workload import Workload
from tests.property.spaces import CATALOG, LAW, RESERVING, cases, tried


def held(device: DeviceMemory) -> int:
    """What lies there for good: everything but what computing takes."""
    return device.weights_bytes + device.kv_cache_bytes + device.recurrent_state_bytes


ORDER = {Verdict.DOES_NOT_FIT: 0, Verdict.TIGHT: 1, Verdict.FITS: 2}


@LAW
@given(cases(RESERVING, most_gpus=1), st.sampled_from((2, 3, 4, 8)), st.booleans())
def test_a_server_on_more_gpus_never_needs_less_in_total(case, count, pipeline):
    # SGLang cuts a rank's pool between cache and states in a fixed proportion, so where one demand is the larger the
    # other's part lies idle (pool_configurator.py); a stage with one kind of layer has no such part
    shape = case.workload.model.shape
    with_state = {LayerKind.RECURRENT, LayerKind.PARALLEL} & set(shape.layer_pattern)
    two_pools = case.workload.engine == "sglang" and with_state
    assume(not (pipeline and two_pools))
    card = case.gpus[:1]
    sizes = {"pipeline_parallel" if pipeline else "tensor_parallel": count}
    one = tried(replace(case.workload, tensor_parallel=1, pipeline_parallel=1), card)
    many = tried(
        replace(case.workload, **({"tensor_parallel": 1, "pipeline_parallel": 1} | sizes)), card * count
    )
    assume(one is not None and many is not None)

    assert many.breakdown.total_bytes >= one.breakdown.total_bytes


@LAW
@given(cases(("llama.cpp", "transformers"), most_gpus=1), st.integers(1, 7), st.integers(1, 4))
def test_layers_over_more_gpus_never_need_less_in_total(case, count, more):
    load = replace(case.workload, gpu_layers=None)
    few = tried(load, case.gpus[:1] * count)
    many = tried(load, case.gpus[:1] * (count + more))
    assume(few is not None and many is not None)

    assert many.breakdown.total_bytes >= few.breakdown.total_bytes


@LAW
@given(cases(), st.lists(st.integers(0, 2 * 10**11), min_size=8, max_size=8), st.integers(0, 10**11))
def test_more_free_memory_never_turns_a_fit_into_a_misfit(case, free, more):
    now = tuple(free[: len(case.gpus)])
    later = tuple(size + more for size in now)
    tight, roomy = tried(case.workload, case.gpus, now), tried(case.workload, case.gpus, later)
    assume(tight is not None and roomy is not None)

    # llama.cpp and accelerate spread whole layers by what is free, so there another layer may be the one too many
    if len(case.gpus) == 1 or case.workload.engine not in ("llama.cpp", "transformers"):
        assert ORDER[roomy.verdict] >= ORDER[tight.verdict]
        assert roomy.breakdown.total_bytes == tight.breakdown.total_bytes


@LAW
@given(cases(("llama.cpp",)), st.lists(st.integers(1, 2 * 10**11), min_size=8, max_size=8))
def test_what_is_free_moves_llama_cpps_layers_and_nothing_else(case, free):
    """The same weights, caches and states lie on the GPUs together, and the host's stay there."""
    load = replace(case.workload, speculation=None, adapters=None)
    empty, now = tried(load, case.gpus), tried(load, case.gpus, tuple(free[: len(case.gpus)]))
    assume(empty is not None and now is not None)

    repeated = 64 * 1024 * len(case.gpus)  # rotation factors are held by every GPU with layers
    assert abs(sum(map(held, now.breakdown.per_gpu)) - sum(map(held, empty.breakdown.per_gpu))) <= repeated
    assert held(now.breakdown.host) == held(empty.breakdown.host)


@LAW
@given(cases(("vllm", "sglang"), most_gpus=1), st.sampled_from((2, 3, 8)))
def test_copies_of_a_dense_model_need_on_each_gpu_what_one_does(case, copies):
    assume(case.workload.model.shape.experts is None)
    load = replace(case.workload, tensor_parallel=1, pipeline_parallel=1, data_parallel=1, expert_parallel=1)
    card = case.gpus[:1]
    one = tried(load, card)
    many = tried(replace(load, data_parallel=copies, sequences=load.sequences * copies), card * copies)
    assume(one is not None and many is not None)

    parts = [(device.weights_bytes, device.kv_cache_bytes) for device in many.breakdown.per_gpu]
    alone = one.breakdown.per_gpu[0]
    assert parts == [(alone.weights_bytes, alone.kv_cache_bytes)] * copies
    assert many.breakdown.total_bytes >= one.breakdown.total_bytes


@LAW
@given(cases(), st.integers(1, 10**11))
def test_a_larger_card_of_the_same_kind_never_turns_a_fit_into_a_misfit(case, more):
    larger = tuple(
        replace(gpu, id=f"{gpu.id}+", memory_usable_bytes=gpu.memory_usable_bytes + more) for gpu in case.gpus
    )
    small, large = tried(case.workload, case.gpus), tried(case.workload, larger)
    assume(small is not None and large is not None)

    assert ORDER[large.verdict] >= ORDER[small.verdict]


@pytest.mark.parametrize("model", ["gemma-3-27b", "gpt-oss-120b", "qwen3-next-80b-a3b", "llama-4-scout"])
@pytest.mark.parametrize("count", [2, 3, 5, 8])
def test_pipeline_stages_of_a_hybrid_hold_no_less_cache_together_than_one_gpu(model, count):
    """vLLM forms its groups of layers over the whole model, so a stage of few layers is not padded less than a long
    one: `_project_kv_cache_groups_to_worker` of vllm/v1/core/kv_cache_utils.py."""
    row = CATALOG.models[model]
    load = Workload(
        model=row,
        quantization=CATALOG.quantizations["BF16"],
        engine="vllm",
        context_tokens=100_000,
        sequences=37,
        tensor_parallel=1,
    )
    card = CATALOG.gpus["h200"]
    one = tried(replace(load, pipeline_parallel=1), (card,))
    staged = tried(replace(load, pipeline_parallel=count), (card,) * count)

    cache = [sum(device.kv_cache_bytes for device in found.breakdown.per_gpu) for found in (one, staged)]
    assert cache[1] >= cache[0] > 0


def test_a_stage_without_attention_does_not_limit_the_tokens():
    """Nemotron Nano's four attention layers lie on some of eight stages; SGLang's pool is as long as theirs."""
    load = Workload(
        model=CATALOG.models["nemotron-nano-9b-v2"],
        quantization=CATALOG.quantizations["BF16"],
        engine="sglang",
        context_tokens=8192,
        tensor_parallel=1,
        pipeline_parallel=8,
    )
    found = tried(load, (CATALOG.gpus["h100-80gb"],) * 8)

    assert any(device.kv_cache_bytes for device in found.breakdown.per_gpu)
    assert found.breakdown.server.kv_pool_tokens > 8192
    assert found.breakdown.server.starts
