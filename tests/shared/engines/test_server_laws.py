"""Laws of memory that hold for SGLang, text-generation-inference and transformers over the whole catalog."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.engines import ENGINES
from shared.errors import Refused, Unsupported, UserError
from shared.memory.breakdown import Breakdown
from shared.memory.workload import Workload
from tests.shared.engines.servers import CATALOG, MODELS, gpus, workloads

OTHERS = ("sglang", "tgi", "transformers")
any_workload = st.one_of(*(workloads(engine) for engine in OTHERS))


def held(workload: Workload, cards) -> Breakdown | None:
    try:
        return ENGINES[workload.engine].memory(workload, cards, CATALOG.engines[workload.engine])
    except (Refused, Unsupported):
        return None


@settings(deadline=None, max_examples=400)
@given(any_workload, gpus())
def test_every_part_is_a_whole_number_of_bytes_and_none_is_negative(workload, cards):
    breakdown = held(workload, cards)
    if breakdown is None:
        return

    assert len(breakdown.per_gpu) == len(cards)
    for device in (*breakdown.per_gpu, breakdown.host):
        for name in type(device).__dataclass_fields__:
            assert isinstance(getattr(device, name), int)
            assert getattr(device, name) >= 0
        assert device.activation_bytes + device.cuda_graph_bytes == device.compute_bytes
    assert breakdown.total_bytes == sum(device.total_bytes for device in breakdown.per_gpu)


@settings(deadline=None, max_examples=300)
@given(any_workload, gpus(), st.integers(1, 65_536), st.integers(1, 64))
def test_a_longer_context_or_more_sequences_never_need_less(workload, cards, tokens, sequences):
    before = held(workload, cards)
    longer = held(replace(workload, context_tokens=workload.context_tokens + tokens), cards)
    more = held(replace(workload, sequences=workload.sequences + sequences), cards)
    if before is None or longer is None or more is None:
        return

    for device, long, many in zip(before.per_gpu, longer.per_gpu, more.per_gpu, strict=True):
        assert long.total_bytes >= device.total_bytes
        assert many.total_bytes >= device.total_bytes


@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("model_id", MODELS)
def test_more_gpus_never_need_less_in_total(engine, model_id):
    model = CATALOG.models[model_id]
    workload = Workload(
        model=model,
        quantization=CATALOG.quantizations["BF16"],
        engine=engine,
        context_tokens=min(2048, model.context_tokens),
    )
    totals = []
    for count in (1, 2, 4, 8):
        breakdown = held(workload, (CATALOG.gpus["h100-80gb"],) * count)
        if breakdown is not None:
            totals.append(breakdown.total_bytes)

    assert totals == sorted(totals)


@settings(deadline=None, max_examples=300)
@given(any_workload, gpus())
def test_the_smallest_share_is_tight(workload, cards):
    """At the answer the asked load has room; a fiftieth of the GPU less and it has not."""
    breakdown = held(workload, cards)
    if breakdown is None or breakdown.server is None or breakdown.server.smallest_utilization is None:
        return
    least = breakdown.server.smallest_utilization
    if not 0.05 < least < 1:
        return
    enough = held(replace(workload, gpu_memory_utilization=least), cards)
    short = held(replace(workload, gpu_memory_utilization=least - 0.02), cards)

    assert enough is not None
    assert enough.server is not None
    assert short is not None
    assert short.server is not None
    slack = 1 << 20  # the budget is rounded to bytes
    assert enough.server.kv_pool_bytes + slack >= min(device.kv_cache_bytes for device in enough.per_gpu)
    assert short.server.kv_pool_bytes < max(device.kv_cache_bytes for device in short.per_gpu)


@settings(deadline=None, max_examples=300)
@given(any_workload, gpus(), st.integers(-3, 20), st.integers(-3, 20))
def test_whatever_is_asked_ends_in_a_breakdown_or_one_sentence(workload, cards, tensor, pipeline):
    sentence = "A breakdown."
    asked = replace(workload, tensor_parallel=tensor, pipeline_parallel=pipeline)
    try:
        ENGINES[asked.engine].memory(asked, cards, CATALOG.engines[asked.engine])
    except UserError as problem:
        sentence = problem.sentence

    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize("engine", OTHERS)
def test_a_coarser_quantization_never_needs_more_weights(engine):
    for model_id in MODELS:
        model = CATALOG.models[model_id]
        sizes = []
        for quantization in ("F32", "BF16", "FP8", "AWQ"):
            workload = Workload(
                model=model,
                quantization=CATALOG.quantizations[quantization],
                engine=engine,
                context_tokens=min(2048, model.context_tokens),
            )
            breakdown = held(workload, (CATALOG.gpus["h200"],))
            if breakdown is not None:
                sizes.append(breakdown.per_gpu[0].weights_bytes)
        assert sizes == sorted(sizes, reverse=True), model_id
