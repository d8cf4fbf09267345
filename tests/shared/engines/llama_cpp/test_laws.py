"""Laws of llama.cpp's memory that hold over the whole catalog, and the settings it refuses."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.engines.llama_cpp.memory import memory
from shared.errors import BadValue, NoRule, Refused, Unsupported, UserError
from shared.memory.breakdown import Breakdown
from shared.memory.workload import Workload
from tests.shared.engines.servers import CATALOG, MODELS, served

ENGINE = CATALOG.engines["llama.cpp"]
CACHE_TYPES = ("f16", "q8_0", "q4_0")
LOADED = [name for name in MODELS if CATALOG.models[name].shape.gguf_architecture is not None]

workloads = st.builds(
    Workload,
    model=st.sampled_from(LOADED).map(CATALOG.models.__getitem__),
    quantization=st.sampled_from(served("llama.cpp")).map(CATALOG.quantizations.__getitem__),
    engine=st.just("llama.cpp"),
    context_tokens=st.integers(1, 262_144),
    sequences=st.integers(1, 16),
    kv_cache_type_k=st.sampled_from(CACHE_TYPES),
    kv_cache_type_v=st.sampled_from(CACHE_TYPES),
    gpu_layers=st.one_of(st.none(), st.integers(0, 60)),
    cpu_expert_layers=st.sampled_from([0, 0, 4, 999]),
    ubatch_tokens=st.sampled_from([None, 128, 1024]),
    flash_attention=st.sampled_from([None, True, False]),
    kv_unified=st.sampled_from([None, True]),
    swa_full=st.booleans(),
    split_mode=st.sampled_from(["layer", "layer", "row"]),
)
cards = st.tuples(st.sampled_from(["rtx-4090", "h100-80gb"]), st.sampled_from([0, 1, 2, 3])).map(
    lambda pick: (CATALOG.gpus[pick[0]],) * pick[1]
)


def plain(model: str = "qwen3-32b", **changes) -> Workload:
    return replace(
        Workload(
            model=CATALOG.models[model],
            quantization=CATALOG.quantizations["Q4_K_M"],
            engine="llama.cpp",
            context_tokens=8192,
        ),
        **changes,
    )


def held(workload: Workload, gpus) -> Breakdown | None:
    try:
        return memory(workload, gpus, ENGINE)
    except (Refused, Unsupported):
        return None


def everything(breakdown: Breakdown) -> int:
    return sum(
        device.weights_bytes + device.kv_cache_bytes + device.recurrent_state_bytes
        for device in (*breakdown.per_gpu, breakdown.host)
    )


@settings(deadline=None, max_examples=300)
@given(workloads, cards)
def test_every_part_is_a_whole_number_of_bytes_and_none_is_negative(workload, gpus):
    breakdown = held(workload, gpus)
    if breakdown is None:
        return

    assert len(breakdown.per_gpu) == len(gpus)
    for device in (*breakdown.per_gpu, breakdown.host):
        for name in type(device).__dataclass_fields__:
            assert isinstance(getattr(device, name), int)
            assert getattr(device, name) >= 0


@settings(deadline=None, max_examples=200)
@given(workloads, cards)
def test_weights_and_cache_do_not_depend_on_where_they_lie(workload, gpus):
    """But for the copy of a tied embedding that a GPU needs for the output layer, and rotation factors."""
    spread = held(replace(workload, split_mode="layer"), gpus)
    alone = held(workload, ())
    if spread is None or alone is None:
        return
    shape = workload.model.shape
    rotation = (1 + len(gpus)) * 1024
    embedding = 4 * shape.vocabulary_size * shape.hidden_size if shape.tied_embeddings else 0

    assert 0 <= everything(spread) - everything(alone) <= rotation + embedding
    if not shape.tied_embeddings:
        assert everything(spread) - everything(alone) <= rotation


@settings(deadline=None, max_examples=150)
@given(workloads, cards, st.integers(1, 65_536), st.integers(1, 8))
def test_a_longer_context_never_needs_less_weights_or_cache(workload, gpus, tokens, sequences):
    before = held(workload, gpus)
    longer = held(replace(workload, context_tokens=workload.context_tokens + tokens), gpus)
    if before is None or longer is None:
        return

    for device, long in zip((*before.per_gpu, before.host), (*longer.per_gpu, longer.host), strict=True):
        assert long.weights_bytes == device.weights_bytes
        assert long.kv_cache_bytes >= device.kv_cache_bytes
    unified = replace(workload, kv_unified=True)
    few, many = held(unified, gpus), held(replace(unified, sequences=workload.sequences + sequences), gpus)
    assert few is not None
    assert many is not None
    for device, more in zip((*few.per_gpu, few.host), (*many.per_gpu, many.host), strict=True):
        assert more.kv_cache_bytes >= device.kv_cache_bytes
        assert more.recurrent_state_bytes >= device.recurrent_state_bytes


@pytest.mark.parametrize(
    "model", ["qwen3-32b", "gemma-3-27b", "gpt-oss-20b", "deepseek-v3", "qwen3-next-80b-a3b"]
)
def test_a_longer_context_or_a_larger_batch_never_needs_a_smaller_compute_buffer(model):
    gpu = (CATALOG.gpus["h200"],)
    growing = [memory(plain(model, context_tokens=1024 * 2**k), gpu, ENGINE) for k in range(8)]
    batches = [memory(plain(model, ubatch_tokens=2**k), gpu, ENGINE) for k in range(6, 12)]

    for runs in (growing, batches):
        sizes = [run.per_gpu[0].compute_bytes for run in runs]
        assert sizes == sorted(sizes)


@pytest.mark.parametrize("model", LOADED)
def test_a_larger_mix_never_needs_less_weights(model):
    """Also of the models whose memory it has no rule for: their weights it knows."""
    sizes = []
    for mix in ("IQ2_XXS", "Q3_K_M", "Q4_K_M", "Q5_K_M", "Q8_0", "BF16", "F32"):
        workload = plain(model, quantization=CATALOG.quantizations[mix])
        try:
            sizes.append(everything(memory(workload, (), ENGINE)))
        except NoRule as only_weights:
            sizes.append(only_weights.weights_bytes)

    assert sizes == sorted(sizes)


def test_experts_kept_on_the_host_move_there_and_nowhere_else():
    gpu = (CATALOG.gpus["h100-80gb"],)
    whole, few, all_of_them = (
        memory(plain("qwen3-30b-a3b", cpu_expert_layers=count), gpu, ENGINE) for count in (0, 10, 999)
    )

    assert everything(whole) == everything(few) == everything(all_of_them)
    weights = [run.per_gpu[0].weights_bytes for run in (whole, few, all_of_them)]
    assert weights == sorted(weights, reverse=True)
    assert weights[2] < weights[0] / 5


def test_the_output_layer_counts_as_one_of_ngl():
    shape = CATALOG.models["qwen3-32b"].shape
    gpu = (CATALOG.gpus["h100-80gb"],)
    without, with_it = (
        memory(plain(gpu_layers=count), gpu, ENGINE).per_gpu[0].weights_bytes
        for count in (shape.layers, shape.layers + 1)
    )

    head = shape.vocabulary_size * shape.hidden_size * 210 // 256  # Q6_K
    # one layer fewer stays on the host as well: the last layers are offloaded first
    assert with_it - without > 0
    assert with_it - without < head


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kv_cache_type_v": "q8_0", "flash_attention": False}, "needs flash attention"),
        ({"model": "deepseek-v3", "kv_cache_type_k": "q8_0"}, "types cannot differ"),
        ({"model": "phi-2", "kv_cache_type_k": "q8_0"}, "not whole q8_0 blocks"),
        ({"model": "grok-1", "kv_cache_type_v": "q8_0"}, "needs flash attention"),
    ],
)
def test_what_llama_cpp_refuses_is_refused(changes, said):
    with pytest.raises(Refused) as caught:
        memory(plain(**changes), (CATALOG.gpus["h200"],), ENGINE)

    assert said in caught.value.sentence


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kv_cache_type_k": "fp8"}, "kv_cache_type"),
        ({"context_tokens": 0}, "context"),
        ({"sequences": 0}, "sequences"),
        ({"sequences": 257}, "sequences"),
        ({"split_mode": "tensor"}, "split_mode"),
    ],
)
def test_settings_that_llama_cpp_does_not_have(changes, field):
    with pytest.raises(BadValue) as caught:
        memory(plain(**changes), (CATALOG.gpus["h200"],) * 2, ENGINE)

    assert caught.value.field == field


@settings(deadline=None, max_examples=150)
@given(
    workloads,
    cards,
    st.integers(-2, 300),
    st.integers(-5, 200),
    st.sampled_from(["0.5.0", "0.7.0", "b9000", "?"]),
)
def test_whatever_is_asked_ends_in_a_breakdown_or_one_sentence(workload, gpus, sequences, layers, version):
    sentence = "A breakdown."
    asked = replace(workload, sequences=sequences, gpu_layers=layers, engine_version=version)
    try:
        memory(asked, gpus, ENGINE)
    except UserError as problem:
        sentence = problem.sentence

    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_older_versions_and_unread_architectures_have_wider_intervals():
    gpu = (CATALOG.gpus["h100-80gb"],)
    new, old = (memory(plain(engine_version=version), gpu, ENGINE) for version in ("0.7.0", "b4000"))

    assert new.evidence == "measured"
    assert old.evidence != "measured"
    assert old.per_gpu[0].uncertainty_bytes > new.per_gpu[0].uncertainty_bytes


def test_slots_divide_the_context_and_the_reader_is_told():
    shared = memory(plain(sequences=4, kv_unified=True), (), ENGINE)
    own = memory(plain(sequences=4), (), ENGINE)

    assert shared.host.kv_cache_bytes == own.host.kv_cache_bytes
    assert not any("slots" in warning for warning in shared.warnings)
    assert any("4 slots" in warning for warning in own.warnings)
