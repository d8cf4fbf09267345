"""A GGUF header as the config.json it was made from, so that the same adapters read both (pure).

Keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md and llama.cpp's gguf-py/gguf/constants.py. What the
tensors themselves say (vocabulary, ties, biases) is taken from them.
"""

from typing import Any, Final

from shared.errors import Unsupported, shown
from shared.hub.gguf.header import GgufHeader
from shared.hub.gguf.hybrids import HYBRIDS, hybrid_fields

# general.architecture -> model_type of config.json
MODEL_TYPES: Final = {
    "llama": "llama",
    "mistral3": "ministral3",
    "qwen2": "qwen2",
    "qwen2vl": "qwen2_5_vl",
    "qwen2moe": "qwen2_moe",
    "qwen3": "qwen3",
    "qwen3moe": "qwen3_moe",
    "qwen3vl": "qwen3_vl",
    "qwen3vlmoe": "qwen3_vl_moe",
    "gemma": "gemma",
    "gemma2": "gemma2",
    "gemma3": "gemma3_text",
    "phi3": "phi3",
    "phimoe": "phimoe",
    "command-r": "cohere",
    "cohere2": "cohere2",
    "granite": "granite",
    "granitemoe": "granitemoe",
    "olmo2": "olmo2",
    "olmoe": "olmoe",
    "starcoder2": "starcoder2",
    "internlm2": "internlm2",
    "smollm3": "smollm3",
    "seed_oss": "seed_oss",
    "chatglm": "glm",
    "glm4": "glm4",
    "glm4moe": "glm4_moe",
    "hunyuan-dense": "hunyuan_v1_dense",
    "ernie4_5": "ernie4_5",
    "exaone": "exaone",
    "exaone4": "exaone4",
    "arcee": "arcee",
    "apertus": "apertus",
    "gpt-oss": "gpt_oss",
    "minimax-m2": "minimax_m2",
    "deepseek": "deepseek",
    "deepseek2": "deepseek_v3",
    "dots1": "dots1",
    "bailingmoe2": "bailing_moe",
    "gptneox": "gpt_neox",
    "stablelm": "stablelm",
    "falcon": "falcon",
    **{architecture: kind for architecture, (kind, _, _) in HYBRIDS.items()},
}
_LATENT: Final = frozenset({"deepseek2", "deepseek32", "glm-dsa"})
# llama_ftype: https://github.com/ggml-org/llama.cpp/blob/master/include/llama.h
FILE_TYPES: Final = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4_MOE",
    40: "Q1_0",
    41: "Q2_0",
}
# config.json's field -> key after the architecture's name
FIELDS: Final = {
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
    "max_position_embeddings": "context_length",
    "sliding_window": "attention.sliding_window",
    "num_experts": "expert_count",
    "num_experts_per_tok": "expert_used_count",
    "moe_intermediate_size": "expert_feed_forward_length",
    "n_shared_experts": "expert_shared_count",
    "shared_expert_intermediate_size": "expert_shared_feed_forward_length",
    "first_k_dense_replace": "leading_dense_block_count",
    "num_nextn_predict_layers": "nextn_predict_layers",
    "q_lora_rank": "attention.q_lora_rank",
    "kv_lora_rank": "attention.kv_lora_rank",
    "qk_rope_head_dim": "rope.dimension_count",
}


def config_of_header(header: GgufHeader) -> dict[str, Any]:
    """The fields of config.json that the header holds.

    Raises:
        Unsupported: An architecture without an adapter, or layers that differ in what we take to be alike.
    """
    architecture = header.metadata.get("general.architecture")
    if not isinstance(architecture, str) or architecture not in MODEL_TYPES:
        named = shown(architecture) if isinstance(architecture, str) else "no architecture"
        raise Unsupported(f"I have no rule for GGUF files of {named}, so its memory would be a guess.")
    config: dict[str, Any] = {"model_type": MODEL_TYPES[architecture]}
    differing = HYBRIDS[architecture][1] if architecture in HYBRIDS else frozenset()
    for field, key in FIELDS.items():
        value = header.metadata.get(f"{architecture}.{key}")
        if value is not None and key not in differing:
            config[field] = _alike(value, key)
    config["num_hidden_layers"] = _layers(header, architecture, config)
    config |= _of_tensors(header)
    _adjust(config, header, architecture)
    return config | hybrid_fields(header, architecture)


def _alike(value: Any, key: str) -> Any:
    """One value for all layers; a list must say the same of each."""
    if not isinstance(value, list):
        return value
    if not value or any(entry != value[0] for entry in value):
        raise Unsupported(f"The layers of this GGUF file differ ({key}), which I have no rule for.")
    return value[0]


def _layers(header: GgufHeader, architecture: str, config: dict[str, Any]) -> int:
    """Decoder layers: the file counts its prediction layers among its blocks."""
    blocks = header.metadata.get(f"{architecture}.block_count")
    predicting = config.get("num_nextn_predict_layers", 0)
    if not isinstance(blocks, int) or not isinstance(predicting, int) or isinstance(blocks, bool):
        raise Unsupported("The GGUF file does not say how many layers it has.")
    return blocks - predicting


def _of_tensors(header: GgufHeader) -> dict[str, Any]:
    """What the tensors say themselves."""
    embedding = header.tensors.get("token_embd.weight")
    if embedding is None or len(embedding) != 2:
        raise Unsupported("The GGUF file holds no token embedding: it is a part of a model, or a projector.")
    return {
        "vocab_size": embedding[1],
        "tie_word_embeddings": "output.weight" not in header.tensors,
        "attention_bias": "blk.0.attn_q.bias" in header.tensors or "blk.0.attn_qkv.bias" in header.tensors,
        "lm_head_bias": "output.bias" in header.tensors,
        "use_qk_norm": any(
            name.startswith("blk.") and name.endswith("attn_q_norm.weight") for name in header.tensors
        ),
    }


def _adjust(config: dict[str, Any], header: GgufHeader, architecture: str) -> None:
    """Where one architecture of llama.cpp stands for several of config.json."""
    if architecture == "llama" and config.get("num_experts"):
        config["model_type"] = "mixtral"
    if "rope_freqs.weight" in header.tensors:
        config["rope_scaling"] = {"rope_type": "llama3"}
    if architecture == "olmo2" and config.get("sliding_window"):
        config["model_type"] = "olmo3"
    if config["model_type"] in ("llama", "granite", "mixtral") and config.get("attention_bias"):
        raise Unsupported(
            "This GGUF file has attention biases, which I have no rule for in this architecture."
        )
    if architecture == "stablelm":
        config["use_qkv_bias"] = config["attention_bias"]
        config["qk_layernorm"] = config["use_qk_norm"]
        config["use_parallel_residual"] = "blk.0.ffn_norm.weight" not in header.tensors
    if architecture == "falcon":
        config["new_decoder_architecture"] = "blk.0.attn_norm_2.weight" in header.tensors
    if architecture in _LATENT:
        _adjust_latent(config, header, architecture)


def _adjust_latent(config: dict[str, Any], header: GgufHeader, architecture: str) -> None:
    corrects = any(".exp_probs_b" in name for name in header.tensors)
    config["topk_method"] = "noaux_tc" if corrects else "greedy"
    if architecture == "deepseek2":
        config["model_type"] = "deepseek_v3" if corrects else "deepseek_v2"
    config.pop("head_dim", None)
    heads: dict[str, Any] = {}
    for name in ("key_length", "value_length"):
        found = header.metadata.get(
            f"{architecture}.attention.{name}_mla", header.metadata.get(f"{architecture}.attention.{name}")
        )
        heads[name] = found if isinstance(found, int) else 0
    rope = config.get("qk_rope_head_dim", 0)
    config["qk_nope_head_dim"] = heads["key_length"] - rope if isinstance(rope, int) else 0
    config["v_head_dim"] = heads["value_length"]
    if not config.get("q_lora_rank"):
        config.pop("q_lora_rank", None)


def file_type_of(header: GgufHeader) -> str | None:
    """Id of the quantization the file says it is of; None when it says none we know."""
    kind = header.metadata.get("general.file_type")
    return FILE_TYPES.get(kind) if isinstance(kind, int) else None
