"""A catalog row as the config.json that its repository publishes: the keys that other estimators read."""

from typing import Any, Final

from shared.catalog.rows import LayerKind, Model, Quantization, QuantizationFormat, Shape

# architecture of a row -> model_type and the class that config.json names
_CLASSES: Final = {
    "llama": ("llama", "LlamaForCausalLM"),
    "qwen2": ("qwen2", "Qwen2ForCausalLM"),
    "qwen3": ("qwen3", "Qwen3ForCausalLM"),
    "qwen3_moe": ("qwen3_moe", "Qwen3MoeForCausalLM"),
    "mixtral": ("mixtral", "MixtralForCausalLM"),
    "gemma2": ("gemma2", "Gemma2ForCausalLM"),
    "gemma3": ("gemma3", "Gemma3ForConditionalGeneration"),
    "gpt_oss": ("gpt_oss", "GptOssForCausalLM"),
    "deepseek_v2": ("deepseek_v2", "DeepseekV2ForCausalLM"),
    "deepseek_v3": ("deepseek_v3", "DeepseekV3ForCausalLM"),
    "kimi_vl": ("kimi_vl", "KimiVLForConditionalGeneration"),
}
_TEXT_TYPES: Final = {"gemma3": "gemma3_text", "kimi_vl": "deepseek_v3"}
_WINDOWED: Final = (LayerKind.WINDOW, LayerKind.CHUNKED)


def config_json(model: Model, quantization: Quantization) -> dict[str, Any]:
    """The config.json of `model` as published in `quantization`."""
    shape = model.shape
    kind, name = _CLASSES[shape.architecture]
    dtype = {"F16": "float16", "F32": "float32"}.get(quantization.id, "bfloat16")
    text = _text(model, shape)
    if shape.architecture in _TEXT_TYPES:
        config: dict[str, Any] = {"text_config": {**text, "model_type": _TEXT_TYPES[shape.architecture]}}
        config["vision_config"] = {"model_type": "siglip_vision_model", "hidden_size": 1152}
    else:
        config = text
    config |= {"architectures": [name], "model_type": kind, "torch_dtype": dtype}
    if packed := _quantization(quantization):
        config["quantization_config"] = packed
    return config


def _text(model: Model, shape: Shape) -> dict[str, Any]:
    attention = shape.attention
    assert attention is not None
    text: dict[str, Any] = {
        "num_hidden_layers": shape.layers,
        "hidden_size": shape.hidden_size,
        "intermediate_size": shape.ffn_size,
        "vocab_size": shape.vocabulary_size,
        "num_attention_heads": attention.heads,
        "num_key_value_heads": attention.kv_heads,
        "max_position_embeddings": model.context_tokens,
        "tie_word_embeddings": shape.tied_embeddings,
    }
    if shape.latent is None:
        text["head_dim"] = attention.head_dim
    if shape.window_tokens:
        text["sliding_window"] = shape.window_tokens
        kinds = shape.layer_kinds()
        text["layer_types"] = [
            "sliding_attention" if kind in _WINDOWED else "full_attention" for kind in kinds
        ]
    return text | _latent(shape) | _experts(shape)


def _latent(shape: Shape) -> dict[str, Any]:
    if (latent := shape.latent) is None:
        return {}
    return {
        "q_lora_rank": latent.query_rank or None,
        "kv_lora_rank": latent.kv_rank,
        "qk_rope_head_dim": latent.rope_head_dim,
        "qk_nope_head_dim": latent.nope_head_dim,
        "v_head_dim": latent.value_head_dim,
    }


def _experts(shape: Shape) -> dict[str, Any]:
    if (experts := shape.experts) is None:
        return {}
    keys: dict[str, Any] = {"num_experts_per_tok": experts.active}
    if shape.architecture in ("mixtral", "gpt_oss"):
        return keys | {"num_local_experts": experts.total, "intermediate_size": experts.ffn_size}
    keys["moe_intermediate_size"] = experts.ffn_size
    if shape.latent is None:
        return keys | {"num_experts": experts.total}
    return keys | {
        "n_routed_experts": experts.total,
        "n_shared_experts": experts.shared,
        "first_k_dense_replace": experts.first_dense_layers,
    }


def _quantization(quantization: Quantization) -> dict[str, Any]:
    match quantization.format:
        case QuantizationFormat.FP8:
            return _compressed(8, "float")
        case QuantizationFormat.INT8:
            return _compressed(8, "int")
        case QuantizationFormat.GPTQ:
            return {"quant_method": "gptq", "bits": 4, "group_size": 128}
        case _:
            return {}


def _compressed(bits: int, kind: str) -> dict[str, Any]:
    weights = {"num_bits": bits, "type": kind, "symmetric": True, "strategy": "channel"}
    group = {"targets": ["Linear"], "weights": weights}
    return {"quant_method": "compressed-tensors", "config_groups": {"group_0": group}, "ignore": ["lm_head"]}
