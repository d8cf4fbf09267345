"""Laws of vLLM's memory that hold for every model, GPU and setting."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.catalog.load import load_catalog
from shared.catalog.rows import Gpu
from shared.engines.vllm import memory
from shared.errors import NoRule, Refused, Unsupported, UserError
from shared.memory.breakdown import Breakdown
from shared.memory.divisibility import valid_tensor_parallel
from shared.memory.workload import Workload

CATALOG = load_catalog()
FACTS = CATALOG.engines["vllm"]
MODELS = sorted(CATALOG.models)
GPUS = sorted(gpu.id for gpu in CATALOG.gpus.values() if gpu.vendor == "nvidia")
QUANTIZATIONS = sorted(row.id for row in CATALOG.quantizations.values() if "vllm" in row.engines)


def held(workload: Workload, gpus: tuple[Gpu, ...]) -> Breakdown | None:
    """The breakdown, or None where vLLM would refuse."""
    try:
        return memory(workload, gpus, FACTS)
    except (Refused, Unsupported):
        return None


def has_rule(model_id: str) -> bool:
    """Whether all of the model's layers are counted; tests/shared/engines/test_uncommon_layers.py has the others."""
    model = CATALOG.models[model_id]
    try:
        memory(
            Workload(
                model=model, quantization=CATALOG.quantizations["BF16"], engine="vllm", context_tokens=1
            ),
            (CATALOG.gpus["h200"],),
            FACTS,
        )
    except NoRule:
        return False
    return True


RULED = [model_id for model_id in MODELS if has_rule(model_id)]


workloads = st.builds(
    Workload,
    model=st.sampled_from(MODELS).map(CATALOG.models.__getitem__),
    quantization=st.sampled_from(QUANTIZATIONS).map(CATALOG.quantizations.__getitem__),
    engine=st.just("vllm"),
    context_tokens=st.integers(1, 131_072),
    sequences=st.integers(1, 512),
    kv_cache_type_k=st.sampled_from(["auto", "fp8"]),
    max_num_seqs=st.one_of(st.none(), st.integers(1, 1024)),
    gpu_memory_utilization=st.one_of(st.none(), st.floats(0.05, 1)),
    enforce_eager=st.booleans(),
    engine_version=st.sampled_from([None, "0.10.2", "0.19.0", "0.21.0", "0.33.0"]),
)
gpus = st.tuples(st.sampled_from(GPUS), st.sampled_from([1, 2, 4, 8])).map(
    lambda pick: (CATALOG.gpus[pick[0]],) * pick[1]
)


@settings(deadline=None, max_examples=300)
@given(workloads, gpus)
def test_every_number_is_a_whole_number_of_bytes_and_none_is_negative(workload, cards):
    breakdown = held(workload, cards)
    if breakdown is None:
        return

    for device in breakdown.per_gpu:
        for name in type(device).__dataclass_fields__:
            value = getattr(device, name)
            assert isinstance(value, int)
            assert value >= 0
        assert device.activation_bytes + device.cuda_graph_bytes == device.compute_bytes
        assert device.non_torch_bytes <= device.overhead_bytes


@settings(deadline=None, max_examples=200)
@given(workloads, gpus, st.integers(1, 65_536), st.integers(1, 64))
def test_a_longer_context_or_more_sequences_never_need_less_cache(workload, cards, tokens, sequences):
    before = held(workload, cards)
    longer = held(replace(workload, context_tokens=workload.context_tokens + tokens), cards)
    more = held(replace(workload, sequences=workload.sequences + sequences), cards)
    if before is None or longer is None or more is None:
        return

    for device, long, many in zip(before.per_gpu, longer.per_gpu, more.per_gpu, strict=True):
        assert long.kv_cache_bytes >= device.kv_cache_bytes
        assert many.kv_cache_bytes >= device.kv_cache_bytes
        assert long.weights_bytes == many.weights_bytes == device.weights_bytes


@settings(deadline=None, max_examples=200)
@given(workloads, gpus)
def test_the_smallest_utilization_is_tight(workload, cards):
    """At the answer the asked load has room; a ten-thousandth of the GPU less and it has not."""
    breakdown = held(workload, cards)
    if breakdown is None or breakdown.server is None or breakdown.server.smallest_utilization is None:
        return
    least = breakdown.server.smallest_utilization

    enough = held(replace(workload, gpu_memory_utilization=min(1.0, least)), cards)
    assert enough is not None
    assert enough.server is not None
    assert enough.server.kv_pool_bytes >= min(device.kv_cache_bytes for device in enough.per_gpu)
    assert enough.server.starts
    if least > 0.0002:
        short = held(replace(workload, gpu_memory_utilization=least - 0.0002), cards)
        assert short is not None
        assert short.server is not None
        assert short.server.kv_pool_bytes < max(device.kv_cache_bytes for device in short.per_gpu)


def test_nearly_all_models_have_a_rule():
    assert len(RULED) > 0.95 * len(MODELS)


@pytest.mark.parametrize("model_id", RULED)
def test_more_ranks_never_need_less_in_total_and_never_more_each(model_id):
    model = CATALOG.models[model_id]
    quantization = CATALOG.quantizations["BF16"]
    counts = [ranks for ranks in valid_tensor_parallel(model.shape) if ranks <= 16]
    totals, each = [], []
    for ranks in counts:
        workload = Workload(
            model=model,
            quantization=quantization,
            engine="vllm",
            context_tokens=min(2048, model.context_tokens),
        )
        breakdown = memory(workload, (CATALOG.gpus["h100-80gb"],) * ranks, FACTS)
        totals.append(breakdown.total_bytes)
        each.append(breakdown.per_gpu[0].weights_bytes)

    assert totals == sorted(totals)
    assert each == sorted(each, reverse=True)


@pytest.mark.parametrize("model_id", RULED)
def test_a_coarser_quantization_never_needs_more_weights(model_id):
    model = CATALOG.models[model_id]
    sizes = []
    for quantization in ("F32", "BF16", "FP8", "AWQ"):
        workload = Workload(
            model=model,
            quantization=CATALOG.quantizations[quantization],
            engine="vllm",
            context_tokens=min(2048, model.context_tokens),
        )
        sizes.append(memory(workload, (CATALOG.gpus["h200"],), FACTS).per_gpu[0].weights_bytes)

    assert sizes == sorted(sizes, reverse=True)


def test_ranks_of_every_pipeline_stage_hold_all_layers_between_them():
    model = CATALOG.models["mixtral-8x22b"]
    one = Workload(
        model=model,
        quantization=CATALOG.quantizations["BF16"],
        engine="vllm",
        context_tokens=4096,
        pipeline_parallel=1,
    )
    card = CATALOG.gpus["h200"]
    whole = memory(replace(one, tensor_parallel=8), (card,) * 8, FACTS)
    staged = memory(replace(one, tensor_parallel=2, pipeline_parallel=4), (card,) * 8, FACTS)

    assert sum(device.weights_bytes for device in staged.per_gpu) == pytest.approx(
        sum(device.weights_bytes for device in whole.per_gpu), rel=0.01
    )


def test_gpus_beyond_the_parallel_sizes_stay_idle_and_are_said():
    workload = Workload(
        model=CATALOG.models["llama-3.1-8b"],
        quantization=CATALOG.quantizations["BF16"],
        engine="vllm",
        context_tokens=4096,
        tensor_parallel=2,
    )
    breakdown = memory(workload, (CATALOG.gpus["h100-80gb"],) * 4, FACTS)

    assert [device.total_bytes > 0 for device in breakdown.per_gpu] == [True, True, False, False]
    assert any("2 of the 4 GPUs stay idle" in warning for warning in breakdown.warnings)


@settings(deadline=None, max_examples=200)
@given(workloads, gpus, st.integers(-3, 20), st.integers(-3, 20))
def test_whatever_is_asked_ends_in_a_breakdown_or_one_sentence(workload, cards, tensor, pipeline):
    sentence = "A breakdown."
    try:
        memory(replace(workload, tensor_parallel=tensor, pipeline_parallel=pipeline), cards, FACTS)
    except UserError as problem:
        sentence = problem.sentence

    assert sentence.endswith(".")
    assert "\n" not in sentence
