"""The metadata llama.cpp reads a catalog model's sizes from; what only one architecture needs is in architectures.py.

Keys: src/llama-arch.cpp at 0c1e57098, https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/llama-arch.cpp
"""

from typing import Final

from benchmarks.oracle.architectures import own_keys
from benchmarks.oracle.gguf_file import Value
from shared.catalog.rows import Attention, Experts, Latent, Model, Recurrent, Shape
from shared.engines.llama_cpp.gguf_tensors import UNCOMPRESSED_CACHE, WITHOUT_MTP
from shared.engines.llama_cpp.graph.traits import traits
from shared.memory.tensors import kv_heads, layer_attention

# Loaders that want the key heads of every layer, 0 where a layer keeps no keys.
_HEADS_BY_LAYER: Final = frozenset(
    {"jamba", "granitehybrid", "nemotron_h", "nemotron_h_moe", "kimi-linear", "lfm2", "lfm2moe"}
)


def metadata(model: Model) -> dict[str, Value]:
    """The header's keys of this model."""
    shape = model.shape
    architecture = shape.gguf_architecture or ""
    blocks = shape.layers + (0 if architecture in WITHOUT_MTP else shape.mtp_layers)
    sizes: dict[str, Value] = {
        "vocab_size": shape.vocabulary_size,
        "context_length": model.context_tokens,
        "embedding_length": shape.hidden_size,
        "block_count": blocks,
        "feed_forward_length": list(shape.ffn_size_per_layer) or shape.ffn_size,
        "attention.layer_norm_rms_epsilon": 1e-5,
        "attention.layer_norm_epsilon": 1e-5,
        "rope.freq_base": 10000.0,
    }
    if shape.attention:
        sizes |= _heads(shape, shape.attention)
    if shape.latent and architecture not in UNCOMPRESSED_CACHE:
        sizes |= _latent(shape.latent)
    if shape.window_tokens:
        sizes["attention.sliding_window"] = shape.window_tokens
    if shape.experts:
        sizes |= _experts(shape.experts)
        sizes["expert_weights_norm"] = traits(architecture).normed_weights
    if shape.recurrent:
        sizes |= _recurrent(shape.recurrent)
    if shape.mtp_layers and architecture not in WITHOUT_MTP:
        sizes["nextn_predict_layers"] = shape.mtp_layers
    sizes |= own_keys(shape)
    common: dict[str, Value] = {
        "general.architecture": architecture,
        "general.name": model.name,
        "tokenizer.ggml.model": "no_vocab",
    }
    return common | {key.removeprefix("!") if key[0] == "!" else f"{architecture}.{key}": value
                     for key, value in sizes.items()}  # fmt: skip


def _heads(shape: Shape, attention: Attention) -> dict[str, Value]:
    """Heads, layer by layer where layers differ."""
    kinds = shape.layer_kinds()
    window = shape.window_attention
    differ = window is not None and (window.heads, window.kv_heads) != (attention.heads, attention.kv_heads)
    by_layer = differ or bool(shape.kv_heads_per_layer) or shape.gguf_architecture in _HEADS_BY_LAYER
    heads: Value = attention.heads
    if differ:
        heads = [layer_attention(shape, kind).heads for kind in kinds]
    key_heads: Value = 1 if shape.latent else attention.kv_heads
    if by_layer:
        key_heads = [kv_heads(shape, kind, layer) for layer, kind in enumerate(kinds)]
    return {
        "attention.head_count": heads,
        "attention.head_count_kv": key_heads,
        "attention.key_length": attention.head_dim,
        "attention.value_length": attention.value_head_dim or attention.head_dim,
        "rope.dimension_count": attention.head_dim,
    }


def _latent(latent: Latent) -> dict[str, Value]:
    found: dict[str, Value] = {
        "attention.key_length": latent.kv_rank + latent.rope_head_dim,
        "attention.value_length": latent.kv_rank,
        "attention.key_length_mla": latent.nope_head_dim + latent.rope_head_dim,
        "attention.value_length_mla": latent.value_head_dim,
        "attention.kv_lora_rank": latent.kv_rank,
        "rope.dimension_count": latent.rope_head_dim,
    }
    if latent.query_rank:
        found["attention.q_lora_rank"] = latent.query_rank
    return found


def _experts(experts: Experts) -> dict[str, Value]:
    sigmoid, softmax = 2, 1
    found: dict[str, Value] = {
        "expert_count": experts.total,
        "expert_used_count": experts.active,
        "expert_feed_forward_length": experts.ffn_size,
        "expert_gating_func": sigmoid if experts.router_bias else softmax,
        "expert_weights_scale": 1.0,
    }
    if experts.shared_ffn_size:
        found["expert_shared_feed_forward_length"] = experts.shared_ffn_size
        found["expert_shared_count"] = max(1, experts.shared)
    if experts.first_dense_layers:
        found["leading_dense_block_count"] = experts.first_dense_layers
    return found


def _recurrent(recurrent: Recurrent) -> dict[str, Value]:
    match recurrent.kind:
        case "gated_delta_net":
            return {
                "ssm.conv_kernel": recurrent.conv_kernel,
                "ssm.state_size": recurrent.key_head_dim or recurrent.head_dim,
                "ssm.group_count": recurrent.key_heads,
                "ssm.time_step_rank": recurrent.heads,
                "ssm.inner_size": recurrent.heads * recurrent.head_dim,
                "full_attention_interval": 4,
                "rope.dimension_sections": [11, 11, 10, 0],
            }
        case "short_convolution":
            return {"shortconv.l_cache": recurrent.conv_kernel}
        case "kda":
            return {"ssm.conv_kernel": recurrent.conv_kernel, "kda.head_dim": recurrent.head_dim}
        case _:
            return {
                "ssm.conv_kernel": recurrent.conv_kernel,
                "ssm.state_size": recurrent.state_size,
                "ssm.inner_size": recurrent.inner_size,
                "ssm.time_step_rank": recurrent.time_step_rank or recurrent.heads,
                "ssm.group_count": recurrent.groups,
            }
