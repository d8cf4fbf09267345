"""Models with layers an engine's rules do not count are not known there, never answered; their weights are exact."""

import pytest

from shared.catalog.load import load_catalog
from shared.catalog.rows import LayerKind
from shared.errors import NoRule
from shared.estimator import estimate
from shared.inverse.attempt import attempt
from shared.memory.checkpoint import checkpoint_bytes
from shared.memory.workload import Workload

CATALOG = load_catalog()
UNCOMMON = {LayerKind.SPARSE, LayerKind.COMPRESSED, LayerKind.PARALLEL, LayerKind.CROSS}


def load(model: str, quantization: str, engine: str, context_tokens: int = 8192) -> Workload:
    """One sequence of this model."""
    return Workload(
        model=CATALOG.models[model],
        quantization=CATALOG.quantizations[quantization],
        engine=engine,
        context_tokens=context_tokens,
    )


@pytest.mark.parametrize(
    ("engine", "model", "quantization"),
    [
        ("sglang", "deepseek-v4-flash", "MXFP4-FP8"),
        ("vllm", "minimax-m3", "BF16"),
        ("sglang", "minimax-m3", "BF16"),
        ("vllm", "kimi-k3", "MXFP4"),
        ("sglang", "kimi-k3", "MXFP4"),
    ],
)
def test_a_server_without_a_rule_says_what_the_weights_take(
    model: str, quantization: str, engine: str
) -> None:
    """The sentence names the engine and the model; the bytes are the checkpoint's."""
    gpus = (CATALOG.gpus["b300"],) * 16
    wanted = load(model, quantization, engine)

    with pytest.raises(NoRule) as refusal:
        estimate(wanted, gpus, CATALOG)

    assert wanted.model.name in refusal.value.sentence
    assert refusal.value.weights_bytes == checkpoint_bytes(wanted.model, wanted.quantization)


def test_llama_cpp_refuses_them_too() -> None:
    """A GGUF file's weights are known as well."""
    with pytest.raises(NoRule) as refusal:
        estimate(load("minimax-m3", "Q4_K_M", "llama.cpp"), (CATALOG.gpus["rtx-4090"],), CATALOG)

    assert 230e9 < refusal.value.weights_bytes < 270e9


def test_what_is_not_known_is_no_only_where_the_weights_alone_do_not_fit() -> None:
    """Kimi K3's 1,454 GiB are more than eight B200 hold, and less than sixteen."""
    wanted = load("kimi-k3", "MXFP4", "vllm")
    eight = attempt(wanted, (CATALOG.gpus["b200"],) * 8, CATALOG)
    sixteen = attempt(wanted, (CATALOG.gpus["b200"],) * 16, CATALOG)

    assert not eight.is_unknown
    assert "weights alone" in eight.reason
    assert sixteen.is_unknown


def test_deepseek_v4_is_as_large_as_its_files() -> None:
    """The repositories hold about 160 and 865 GB (https://huggingface.co/deepseek-ai, April 2026)."""
    mixed = CATALOG.quantizations["MXFP4-FP8"]

    assert checkpoint_bytes(CATALOG.models["deepseek-v4-flash"], mixed) == pytest.approx(160e9, rel=0.01)
    assert checkpoint_bytes(CATALOG.models["deepseek-v4-pro"], mixed) == pytest.approx(865e9, rel=0.01)


def test_transformers_keeps_one_row_for_every_few_tokens_of_deepseek_v4() -> None:
    """43 layers: windows of 128 rows of 512; 21 layers keep a row of 640 every 4 tokens, 20 one of 512 every 128."""
    model, sixteen_bits = CATALOG.models["deepseek-v4-flash"], 2
    gpus = (CATALOG.gpus["b300"],) * 8

    def cache(tokens: int) -> int:
        plan = estimate(load(model.id, "MXFP4-FP8", "transformers", tokens), gpus, CATALOG)
        return sum(device.kv_cache_bytes for device in plan.breakdown.per_gpu)

    rows = 21 * (8192 // 4) * 640 + 20 * (8192 // 128) * 512

    assert cache(16384) - cache(8192) == rows * sixteen_bits


def test_a_layer_of_two_kinds_keeps_both() -> None:
    """Falcon H1 7B: 44 layers x 2 heads x 128 x 2 of cache per token in vLLM and transformers, and a state beside."""
    gpus = (CATALOG.gpus["a100-80gb"],)
    plan = estimate(load("falcon-h1-7b", "BF16", "transformers"), gpus, CATALOG)
    device = plan.breakdown.per_gpu[0]

    assert device.kv_cache_bytes == 8192 * 44 * 2 * 2 * 128 * 2
    assert device.recurrent_state_bytes > 0


def test_every_model_with_uncommon_layers_is_refused_or_ruled_and_never_crashes() -> None:
    """Whatever the engine, an estimate or a sentence."""
    gpus = (CATALOG.gpus["b300"],) * 8
    for model in CATALOG.models.values():
        if not UNCOMMON & set(model.shape.layer_pattern):
            continue
        for engine in CATALOG.engines:
            tried = attempt(load(model.id, model.native_quantization, engine), gpus, CATALOG)
            assert tried.estimate is not None or tried.reason
