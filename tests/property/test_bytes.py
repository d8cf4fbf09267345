"""Every number is a whole number of bytes, none is negative, and parts make up their wholes."""

from hypothesis import assume, given
from hypothesis import strategies as st

from shared.errors import BadValue, Refused, UnknownName, Unsupported
from shared.estimator import estimate
from shared.memory.workload import Workload
from tests.property.spaces import CATALOG, ENGINES, LAW, LOADED, MODELS, WHOLE_GPUS, cases, tried

PARTS = ("weights_bytes", "kv_cache_bytes", "recurrent_state_bytes", "compute_bytes", "overhead_bytes")
WITHIN = {
    "compute_bytes": ("activation_bytes", "cuda_graph_bytes"),
    "overhead_bytes": ("non_torch_bytes",),
    "weights_bytes": ("adapter_bytes", "draft_bytes", "tower_bytes"),
}


def whole(value: object) -> bool:
    """An int that is no bool: 1.0 and True are equal to 1 and are no byte counts."""
    return type(value) is int


@LAW
@given(cases())
def test_every_count_of_bytes_is_whole_and_none_is_negative(case):
    found = tried(case.workload, case.gpus)
    assume(found is not None)

    for device in (*found.breakdown.per_gpu, found.breakdown.host):
        for name in type(device).__dataclass_fields__:
            assert whole(getattr(device, name)), name
            assert getattr(device, name) >= 0, name
        assert whole(device.total_bytes)
    assert whole(found.breakdown.model_file_bytes)
    assert found.breakdown.model_file_bytes > 0
    assert whole(found.slack_bytes)
    assert whole(found.uncertainty_bytes)
    assert found.uncertainty_bytes >= 0
    server = found.breakdown.server
    if server is not None:
        assert whole(server.budget_bytes)
        assert whole(server.kv_pool_bytes)
        assert whole(server.kv_pool_tokens)
        assert server.kv_pool_tokens >= 0
        assert server.max_concurrency >= 0
        assert all(whole(size) for size in server.free_at_start_bytes)


@LAW
@given(cases())
def test_parts_make_up_a_device_and_devices_the_total(case):
    found = tried(case.workload, case.gpus)
    assume(found is not None)

    breakdown = found.breakdown
    assert len(breakdown.per_gpu) == len(found.capacity_bytes) == len(case.gpus)
    for device in (*breakdown.per_gpu, breakdown.host):
        assert device.total_bytes == sum(getattr(device, name) for name in PARTS)
        for name, parts in WITHIN.items():
            assert sum(getattr(device, part) for part in parts) <= getattr(device, name), name
    assert breakdown.total_bytes == sum(device.total_bytes for device in breakdown.per_gpu)


@LAW
@given(cases())
def test_the_fullest_gpu_leaves_the_slack(case):
    found = tried(case.workload, case.gpus)
    assume(found is not None)

    pairs = zip(found.breakdown.per_gpu, found.capacity_bytes, strict=True)
    rooms = [capacity - device.total_bytes for device, capacity in pairs]
    if len(case.gpus) == 1 and case.gpus[0].unified_memory:  # the host's part takes of the same memory
        gpu = case.gpus[0]
        kept = gpu.memory_total_bytes - gpu.memory_usable_bytes if gpu.vendor != "nvidia" else 0
        rooms[0] = min(rooms[0], rooms[0] + kept - found.breakdown.host.total_bytes)
    if found.breakdown.server is None:
        assert found.slack_bytes in rooms
    else:
        assert found.slack_bytes <= max(rooms)


anything = st.one_of(st.none(), st.integers(-3, 2_000_000))


@LAW
@given(
    st.sampled_from((*ENGINES, "ollama?")),
    st.sampled_from(MODELS),
    st.lists(st.sampled_from(WHOLE_GPUS), max_size=5),
    st.data(),
)
def test_whatever_is_asked_ends_in_an_estimate_or_in_one_sentence(engine, model, gpus, data):
    numbers = ("gpu_layers", "batch_tokens", "ubatch_tokens", "tensor_parallel", "pipeline_parallel")
    workload = Workload(
        model=model,
        quantization=data.draw(st.sampled_from(LOADED.get(engine, LOADED["vllm"]) + LOADED["llama.cpp"][:3])),
        engine=engine,
        context_tokens=data.draw(st.integers(-3, 2_000_000)),
        sequences=data.draw(st.integers(-3, 2_000_000)),
        kv_cache_type_k=data.draw(st.sampled_from(("auto", "fp8", "q8_0", "q4_0", "no such type"))),
        kv_cache_type_v=data.draw(st.sampled_from(("auto", "fp8", "q8_0", "f16"))),
        gpu_memory_utilization=data.draw(st.one_of(st.none(), st.floats(-1, 2))),
        max_num_seqs=data.draw(anything),
        max_num_batched_tokens=data.draw(anything),
        cpu_expert_layers=data.draw(st.integers(-3, 300)),
        tensor_split=tuple(data.draw(st.lists(st.integers(-1, 5), max_size=4))),
        **{name: data.draw(st.one_of(st.none(), st.integers(-3, 300))) for name in numbers},
    )
    sentence = "An estimate."
    try:
        estimate(workload, gpus, CATALOG)
    except (Refused, Unsupported, UnknownName, BadValue) as no:
        sentence = no.sentence

    assert sentence[-1] in ".?"
    assert "\n" not in sentence
