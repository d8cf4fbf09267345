"""Keys that the loader of one architecture needs beside the common ones.

load_arch_hparams of src/models/*.cpp at 0c1e57098: https://github.com/ggml-org/llama.cpp/tree/0c1e57098/src/models
A key that begins with "!" stands alone; the others follow the architecture's name. Factors are any number but the
one that means "none", so that the graph has the operation.
"""

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.oracle.gguf_file import Value
from shared.catalog.rows import LayerKind, Shape

Keys = dict[str, Value]


def own_keys(shape: Shape) -> Keys:
    """What this architecture adds or says otherwise."""
    found: Keys = {}
    for rule in _RULES.get(shape.gguf_architecture or "", ()):
        found |= rule(shape)
    return found


def _expert_size_as_feed_forward(shape: Shape) -> Keys:
    """These loaders read the experts' width from the plain key."""
    return {"feed_forward_length": shape.experts.ffn_size} if shape.experts else {}


def _windows(shape: Shape) -> Keys:
    """Which layers are windowed, and their heads."""
    window = shape.window_attention or shape.attention
    if window is None:
        return {}
    return {
        "attention.sliding_window_pattern": [
            kind in (LayerKind.WINDOW, LayerKind.CHUNKED) for kind in shape.layer_kinds()
        ],
        "attention.key_length_swa": window.head_dim,
        "attention.value_length_swa": window.value_head_dim or window.head_dim,
        "rope.freq_base_swa": 10000.0,
        "rope.dimension_count_swa": window.head_dim,
    }


def _per_layer_inputs(shape: Shape) -> Keys:
    return {
        "embedding_length_per_layer_input": shape.per_layer_embedding_size,
        "attention.shared_kv_layers": shape.kv_shared_layers,
    }


def _altup(shape: Shape) -> Keys:
    return {"altup.active_idx": 0, "altup.num_inputs": 4, "activation_sparsity_scale": [0.0] * shape.layers}


def _nemotron_h(shape: Shape) -> Keys:
    """Feed-forward layers are those with a width of their own."""
    size = shape.experts.ffn_size if shape.experts else shape.ffn_size
    found: Keys = {
        "feed_forward_length": [size if kind is LayerKind.NONE else 0 for kind in shape.layer_kinds()],
    }
    if shape.experts and shape.experts.latent_size:
        found["moe_latent_size"] = shape.experts.latent_size
    return found


def _skipped_attention(shape: Shape) -> Keys:
    heads = shape.attention.heads if shape.attention else 0
    return {
        "rope.scaling.type": "none",
        "attention.head_count": [0 if kind is LayerKind.NONE else heads for kind in shape.layer_kinds()],
    }


def _expanded_latent(shape: Shape) -> Keys:
    """MiniCPM3 computes full keys and values from its latent rows."""
    latent, attention = shape.latent, shape.attention
    if latent is None or attention is None:
        return {}
    return {
        "attention.kv_lora_rank": latent.kv_rank,
        "attention.q_lora_rank": latent.query_rank,
        "attention.key_length": latent.nope_head_dim + latent.rope_head_dim,
        "attention.value_length": latent.value_head_dim,
        "attention.head_count_kv": attention.heads,
        "rope.dimension_count": latent.rope_head_dim,
    }


def _indexer(shape: Shape) -> Keys:
    if shape.latent is None or not shape.latent.indexer_heads:
        return {}
    return {
        "attention.indexer.head_count": shape.latent.indexer_heads,
        "attention.indexer.key_length": shape.latent.indexer_head_dim,
        "attention.indexer.top_k": shape.latent.indexer_topk,
    }


def _xielu(shape: Shape) -> Keys:
    return {f"!xielu.{name}": [0.8] * shape.layers for name in ("alpha_n", "alpha_p", "beta", "eps")}


def _mixture_step(shape: Shape) -> Keys:
    return {"interleave_moe_layer_step": shape.experts.every if shape.experts else 1}


def _always(keys: Keys) -> Callable[[Shape], Keys]:
    return lambda _: keys


_scaled_logits = _always({"logit_scale": 0.0625})
_granite = _always(
    {"logit_scale": 8.0, "residual_scale": 0.2, "embedding_scale": 12.0, "attention.scale": 0.01}
)
_sections = _always({"rope.dimension_sections": [24, 20, 20, 0], "n_deepstack_layers": 0})
_RULES: Final[Mapping[str, tuple[Callable[[Shape], Keys], ...]]] = {
    "apertus": (_xielu,),
    "cohere2": (_scaled_logits,),
    "command-r": (_scaled_logits,),
    "dbrx": (_always({"attention.clamp_kqv": 8.0}), _expert_size_as_feed_forward),
    "deci": (_skipped_attention,),
    "deepseek32": (_indexer,),
    "ernie4_5-moe": (_mixture_step,),
    "gemma3n": (_windows, _per_layer_inputs, _altup),
    "gemma4": (_windows, _per_layer_inputs),
    "glm-dsa": (_indexer,),
    "gptneox": (_always({"use_parallel_residual": True}),),
    "granite": (_granite,),
    "granitehybrid": (_granite, _always({"rope.scaling.finetuned": False}), _expert_size_as_feed_forward),
    "granitemoe": (_granite, _expert_size_as_feed_forward),
    "hunyuan-moe": (_expert_size_as_feed_forward,),
    "llama": (_expert_size_as_feed_forward,),
    "llama4": (_mixture_step,),
    "mimo2": (_windows,),
    "minicpm3": (_expanded_latent,),
    "minimax-m2": (_expert_size_as_feed_forward,),
    "nemotron_h": (_nemotron_h,),
    "nemotron_h_moe": (_nemotron_h,),
    "olmoe": (_expert_size_as_feed_forward,),
    "phimoe": (_expert_size_as_feed_forward,),
    "qwen2vl": (_sections,),
    "qwen3vl": (_sections,),
    "qwen3vlmoe": (_sections,),
    "qwen35": (_sections,),
    "qwen35moe": (_sections,),
    "step35": (_windows,),
}
