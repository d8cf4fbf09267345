"""More never needs less: of context, sequences, layers on the GPUs, and bits per weight."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from shared.catalog.rows import Quantization, QuantizationFormat
from shared.engines.llama_cpp.even import even_from
from shared.estimator import Estimate
from shared.inverse.load import with_sequences
from shared.memory.breakdown import DeviceMemory
from tests.property.spaces import CATALOG, LAW, LOADED, MIXTURES, cases, tried

EXL = QuantizationFormat.EXL
OTHERS = ("vllm", "sglang", "tgi", "transformers")


def held(device: DeviceMemory) -> int:
    """What lies there for good: everything but what computing takes."""
    return device.weights_bytes + device.kv_cache_bytes + device.recurrent_state_bytes


def devices(found: Estimate) -> tuple[DeviceMemory, ...]:
    return (*found.breakdown.per_gpu, found.breakdown.host)


@LAW
@given(cases(OTHERS), st.integers(1, 100_000))
def test_a_longer_context_never_needs_less(case, tokens):
    load = case.workload
    short = tried(load, case.gpus)
    long = tried(
        replace(load, context_tokens=min(load.context_tokens + tokens, load.model.context_tokens)), case.gpus
    )
    assume(short is not None and long is not None)

    for less, more in zip(devices(short), devices(long), strict=True):
        assert more.total_bytes >= less.total_bytes
        assert more.uncertainty_bytes >= less.uncertainty_bytes
        assert more.weights_bytes == less.weights_bytes


@LAW
@given(cases(("llama.cpp",)), st.integers(1, 100_000))
def test_a_longer_context_never_needs_less_of_llama_cpp_while_its_allocator_chooses_alike(case, tokens):
    """ggml-alloc.c takes the best free block, so a buffer may shrink where that becomes another one: `even_from`."""
    load = case.workload
    longer = replace(load, context_tokens=load.context_tokens + tokens)
    short, long = tried(load, case.gpus), tried(longer, case.gpus)
    assume(short is not None and long is not None)

    for less, more in zip(devices(short), devices(long), strict=True):
        assert held(more) >= held(less)
        assert more.weights_bytes == less.weights_bytes
    if even_from(longer, case.gpus, CATALOG.engines["llama.cpp"]) <= load.context_tokens:
        for less, more in zip(devices(short), devices(long), strict=True):
            assert more.total_bytes >= less.total_bytes
            assert more.uncertainty_bytes >= less.uncertainty_bytes


@LAW
@given(cases(OTHERS), st.integers(1, 512))
def test_more_sequences_never_need_less(case, more_of_them):
    load = case.workload
    few = tried(load, case.gpus)
    many = tried(replace(load, sequences=load.sequences + more_of_them), case.gpus)
    assume(few is not None and many is not None)

    for less, more in zip(devices(few), devices(many), strict=True):
        assert more.total_bytes >= less.total_bytes
        assert more.uncertainty_bytes >= less.uncertainty_bytes


@LAW
@given(cases(("llama.cpp",)), st.integers(1, 200), st.integers(1, 32_768))
def test_more_slots_of_the_same_context_never_hold_less_of_llama_cpp(case, more_of_them, context):
    """Its compute buffer may shrink: a micro batch is a whole multiple of the sequences, 512 for 64 but 567 for 63.

    https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/llama-context.cpp (`graph_reserve`)
    """
    sequences = min(case.workload.sequences, 200)
    few = tried(with_sequences(case.workload, sequences, context), case.gpus)
    many = tried(with_sequences(case.workload, min(256, sequences + more_of_them), context), case.gpus)
    assume(few is not None and many is not None)

    for less, more in zip(devices(few), devices(many), strict=True):
        assert held(more) >= held(less)


@LAW
@given(cases(("llama.cpp",)), st.integers(0, 130), st.integers(1, 130))
def test_more_layers_on_the_gpus_take_more_there_and_less_of_the_host(case, layers, more_of_them):
    """Of what lies there for good, over all GPUs: on several a layer more moves every boundary, and host weights are
    copied through a compute buffer on the GPU as long as there are any."""
    load = case.workload
    few = tried(replace(load, gpu_layers=layers), case.gpus)
    many = tried(replace(load, gpu_layers=layers + more_of_them), case.gpus)
    assume(few is not None and many is not None)

    repeated = 64 * 1024 * len(case.gpus)  # rotation factors are held by every GPU with layers
    assert sum(map(held, many.breakdown.per_gpu)) + repeated >= sum(map(held, few.breakdown.per_gpu))
    assert held(many.breakdown.host) <= held(few.breakdown.host) + repeated


@LAW
@given(cases(("llama.cpp",), models=MIXTURES), st.integers(0, 100), st.integers(1, 100))
def test_more_experts_on_the_host_move_from_the_gpus_and_nothing_else(case, layers, more_of_them):
    load = replace(case.workload, gpu_layers=None)
    few = tried(replace(load, cpu_expert_layers=layers), case.gpus)
    many = tried(replace(load, cpu_expert_layers=layers + more_of_them), case.gpus)
    assume(few is not None and many is not None)

    assert held(many.breakdown.host) >= held(few.breakdown.host)
    assert sum(map(held, devices(many))) == sum(map(held, devices(few)))
    for less, more in zip(few.breakdown.per_gpu, many.breakdown.per_gpu, strict=True):
        assert held(more) <= held(less)


# Formats that leave part of a model at more bits than their name says. llama.cpp's MXFP4_MOE is MXFP4 for experts and
# Q8_0 for all else, its ternary types fall back to 4 bits where a row is not whole blocks (llama-quant.cpp,
# `tensor_type_fallback`); MXFP4 checkpoints quantize experts alone (openai/gpt-oss). They are only smaller than 8 bits.
PARTLY = frozenset({"MXFP4_MOE", "TQ1_0", "TQ2_0", "MXFP4", "MXFP4-FP8"})
# Mixes that are named for the type of most tensors bump others by rules of their own (llama-quant.cpp,
# `llama_tensor_get_type`): less than a bit apart, either may be the smaller one.
APART = 1.0
LADDERS = (
    ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "BF16", "F32"),
    ("Q3_K_S", "Q3_K_M", "Q3_K_L"),
    ("Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0"),
    ("Q4_K_S", "Q4_K_M"),
    ("Q5_K_S", "Q5_K_M"),
    ("IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M", "IQ3_XXS", "IQ4_XS"),
    ("W4A16", "AWQ", "INT8", "BF16", "F32"),
    ("NF4", "FP8", "BF16"),
)


def ordered(small: Quantization, large: Quantization) -> bool:
    """Whether the larger one must need at least as much whatever the model."""
    if any(small.id in steps and large.id in steps for steps in LADDERS):
        return True
    if (small.format is EXL) is not (large.format is EXL) and large.bits_per_weight < 16:
        return False  # EXL2 quantizes the head too, which the others leave at 16 bits
    if small.id in PARTLY or large.id in PARTLY:
        return large.bits_per_weight >= 8
    return large.bits_per_weight - small.bits_per_weight >= APART


@LAW
@given(cases(), st.data())
def test_more_bits_per_weight_never_need_less(case, data):
    load = case.workload
    other = data.draw(st.sampled_from(LOADED[load.engine]))
    small, large = sorted((load.quantization, other), key=lambda row: row.bits_per_weight)
    assume(small.bits_per_weight < large.bits_per_weight and ordered(small, large))
    # a rank's part of an MXFP4 expert is padded to whole multiples of 128 and 256, which may double it
    # (`mxfp4_round_up_hidden_size_and_intermediate_size` of vllm/model_executor/layers/fused_moe/oracle/mxfp4.py)
    assume(small.id not in ("MXFP4", "MXFP4-FP8") or (len(case.gpus) == 1 and large.bits_per_weight >= 16))
    few = tried(replace(load, quantization=small), case.gpus)
    many = tried(replace(load, quantization=large), case.gpus)
    assume(few is not None and many is not None)

    assert sum(map(held, devices(many))) >= sum(map(held, devices(few)))
    assert many.breakdown.model_file_bytes >= few.breakdown.model_file_bytes
