"""Mixtures of experts over plain attention: how each differs, as its model code in transformers 4.57 has it."""

from shared.catalog.rows import LayerKind
from shared.errors import Unsupported
from shared.hub.config.dense import granite
from shared.hub.config.parts import (
    HeadNorm,
    Parts,
    base,
    experts,
    ffn,
    folded,
    heads,
    layer_count,
    listed_layers,
    mtp,
    shared_experts,
)
from shared.hub.fields import Fields


def mixtral(c: Fields) -> Parts:
    """Mixtral."""
    return {
        **base(c, gguf="llama"),
        "attention": heads(c, qkv_bias=False, output_bias=False),
        "experts": experts(c),
    }


def qwen2_moe(c: Fields) -> Parts:
    """Qwen1.5-MoE and Qwen2-57B: a shared expert behind a gate of its own."""
    return {
        **base(c, gguf="qwen2moe"),
        **dense_layers(c),
        "attention": heads(c, qkv_bias=True, output_bias=False),
        "experts": experts(c, **gated_shared(c), **_every(c)),
    }


def qwen3_moe(c: Fields) -> Parts:
    """Qwen3's mixtures."""
    return {
        **base(c, gguf="qwen3moe"),
        **dense_layers(c),
        "attention": heads(c, qk_norm="head"),
        "experts": experts(c, **_every(c)),
    }


def qwen3_vl_moe(c: Fields) -> Parts:
    """Qwen3-VL's mixtures."""
    return {**qwen3_moe(c), "gguf_architecture": "qwen3vlmoe"}


def gated_shared(c: Fields) -> dict[str, int | bool]:
    """The shared expert of Qwen's mixtures, where there is one."""
    width = c.whole("shared_expert_intermediate_size", default=0, most=2**24)
    return {"shared": 1, "shared_width": width, "shared_gate": True} if width else {}


def _every(c: Fields) -> dict[str, int]:
    return {"every": c.whole("decoder_sparse_step", default=1, least=1, most=64)}


def dense_layers(c: Fields) -> Parts:
    """The width of the dense layers where not every layer is a mixture."""
    if c.sequence("mlp_only_layers"):
        raise Unsupported(
            "The config names single layers without experts (mlp_only_layers), which I have no rule for."
        )
    return {"ffn_size": ffn(c)} if c.whole("decoder_sparse_step", default=1) > 1 else {}


def gpt_oss(c: Fields) -> Parts:
    """gpt-oss: a window in every other layer, sinks, and biases everywhere."""
    return {
        **base(c, gguf="gpt-oss"),
        "attention": heads(c, qkv_bias=True, output_bias=True, sinks=True),
        "window_tokens": c.whole("sliding_window", least=1),
        "layer_pattern": listed_layers(c) or (LayerKind.WINDOW, LayerKind.FULL),
        "experts": experts(c, biases=True),
    }


def glm4_moe(c: Fields) -> Parts:
    """GLM-4.5 to 4.7."""
    norm: HeadNorm = "head" if c.flag("use_qk_norm", default=False) else "none"
    bias = c.flag("attention_bias", default=False)
    return {
        **base(c, gguf="glm4moe"),
        **after_dense(c, router_bias=True),
        **mtp(c),
        "attention": heads(c, qk_norm=norm, qkv_bias=bias, output_bias=False),
    }


def after_dense(c: Fields, *, router_bias: bool) -> Parts:
    """A few dense layers, then mixtures with shared experts (DeepSeek and its kin)."""
    if not c.is_list("moe_layer_freq") and c.whole("moe_layer_freq", default=1) != 1:
        raise Unsupported(
            "The config skips layers between its mixtures (moe_layer_freq), which I have no rule for."
        )
    first = c.whole("first_k_dense_replace", "moe_layer_start_index", default=0, most=layer_count(c) - 1)
    return {
        "ffn_size": ffn(c) if first else 0,
        "experts": experts(c, first_dense_layers=first, router_bias=router_bias, **shared_experts(c)),
    }


def minimax_m2(c: Fields) -> Parts:
    """MiniMax M2: norms on whole queries and keys. Its prediction modules are published apart."""
    return {
        **base(c, gguf="minimax-m2"),
        "attention": heads(c, qk_norm="full" if c.flag("use_qk_norm", default=True) else "none"),
        "experts": experts(c, router_bias=c.flag("use_routing_bias", default=True)),
    }


def mimo_v2(c: Fields) -> Parts:
    """MiMo V2 Flash: windows with heads and sinks of their own."""
    kinds = [LayerKind.WINDOW if flag else LayerKind.FULL for flag in c.sequence("hybrid_layer_pattern")]
    mixtures = [bool(flag) for flag in c.sequence("moe_layer_freq")]
    first = mixtures.index(True) if True in mixtures else len(mixtures)
    if (
        len(kinds) != layer_count(c)
        or len(mixtures) != len(kinds)
        or not all(mixtures[first:])
        or first == len(mixtures)
    ):
        raise Unsupported("The config's layer lists do not say one layer each, dense ones first.")
    window = Fields(
        {
            "num_attention_heads": c.whole("swa_num_attention_heads", least=1),
            "num_key_value_heads": c.whole("swa_num_key_value_heads", least=1),
            "head_dim": c.whole("swa_head_dim", least=1),
        }
    )
    value = c.whole("swa_v_head_dim", least=1, most=8192)
    sinks = c.flag("add_swa_attention_sink_bias", default=False)
    return {
        **base(c, gguf="mimo2"),
        "ffn_size": ffn(c) if first else 0,
        "attention": heads(
            c,
            value_head_dim=c.whole("v_head_dim", least=1, most=8192),
            sinks=c.flag("add_full_attention_sink_bias", default=False),
        ),
        "window_attention": heads(window, value_head_dim=value, sinks=sinks),
        "window_tokens": c.whole("sliding_window", least=1),
        "layer_pattern": folded(kinds),
        "experts": experts(c, first_dense_layers=first, router_bias=True, **shared_experts(c)),
    }


def olmoe(c: Fields) -> Parts:
    """OLMoE."""
    return {**base(c, gguf="olmoe"), "attention": heads(c, qk_norm="full"), "experts": experts(c)}


def granitemoe(c: Fields) -> Parts:
    """Granite 3's mixtures."""
    return {**granite(c), "gguf_architecture": "granitemoe", "ffn_size": 0, "experts": experts(c)}


def phimoe(c: Fields) -> Parts:
    """Phi-3.5-MoE: layer norms with biases, and biases on attention and head."""
    return {
        **base(c, gguf="phimoe"),
        "attention": heads(c),
        "experts": experts(c),
        "norm_bias": True,
        "output_bias": c.flag("lm_head_bias", default=False),
    }


def dots1(c: Fields) -> Parts:
    """dots.llm1."""
    return {
        **base(c, gguf="dots1"),
        **after_dense(c, router_bias=True),
        "attention": heads(c, qk_norm="head"),
    }


def bailing_moe(c: Fields) -> Parts:
    """Ling 2.0."""
    norm: HeadNorm = "head" if c.flag("use_qk_norm", default=True) else "none"
    return {
        **base(c, gguf="bailingmoe2"),
        **after_dense(c, router_bias=True),
        "attention": heads(c, qk_norm=norm, qkv_bias=False, output_bias=False),
    }


def llama4(c: Fields) -> Parts:
    """Llama 4: three layers attend within chunks, the fourth to all; a shared expert of an expert's width."""
    step = c.whole("interleave_moe_layer_step", default=1, least=1, most=64)
    width = ffn(c)
    return {
        **base(c, gguf="llama4"),
        "ffn_size": c.whole("intermediate_size_mlp", least=1, most=2**24) if step > 1 else 0,
        "attention": heads(c),
        "window_tokens": c.whole("attention_chunk_size", default=8192, least=1),
        "layer_pattern": listed_layers(c) or (*(LayerKind.CHUNKED,) * 3, LayerKind.FULL),
        "experts": experts(c, shared=1, shared_width=width, every=step),
    }
