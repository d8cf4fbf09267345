"""DeepSeek and all built like it: latent attention, and Kimi Linear with its delta layers."""

from dataclasses import replace
from typing import Final

from shared.catalog.rows import LayerKind, Recurrent
from shared.hub.config.mixtures import after_dense
from shared.hub.config.parts import Parts, base, heads, latent, layer_count, mtp
from shared.hub.fields import Fields

_OF_K3: Final = ("attn_res_block_size", "routed_expert_hidden_size", "mla_use_output_gate")
_LATENT_GGUF: Final = {"glm_moe_dsa": "glm-dsa", "deepseek_v32": "deepseek32"}


def deepseek(c: Fields) -> Parts:
    """DeepSeek V2 to V3.2, Kimi K2 and GLM's of the same build. From V3 on routers have a correction bias."""
    kind = c.text("model_type")
    router_bias = c.text("topk_method", "noaux_tc" if kind != "deepseek_v2" else "greedy") == "noaux_tc"
    return {
        **base(c, gguf=_LATENT_GGUF.get(kind, "deepseek2")),
        **after_dense(c, router_bias=router_bias),
        **latent(c),
        **mtp(c),
    }


def deepseek_moe(c: Fields) -> Parts:
    """The first DeepSeek mixture: plain attention."""
    return {**base(c, gguf="deepseek"), **after_dense(c, router_bias=False), "attention": heads(c)}


def kimi_linear(c: Fields) -> Parts:
    """Kimi Linear: three layers of Kimi delta attention, then a latent one, counted from 1."""
    linear = c.part("linear_attn_config")
    delta = set(linear.whole_numbers("kda_layers"))
    kinds = [
        LayerKind.RECURRENT if layer + 1 in delta else LayerKind.LATENT for layer in range(layer_count(c))
    ]
    count, width = linear.whole("num_heads", least=1, most=4096), linear.whole("head_dim", least=1, most=8192)
    is_k3 = any(c.says(name) for name in _OF_K3)
    return {
        **base(c, gguf="kimi-k3" if is_k3 else "kimi-linear"),
        **after_dense(c, router_bias=True),
        **latent(c),
        **(_kimi_k3(c) if is_k3 else {}),
        "layer_pattern": tuple(kinds),
        "recurrent": Recurrent(
            kind="kda",
            conv_kernel=linear.whole("short_conv_kernel_size", least=1, most=64),
            inner_size=count * width,
            state_size=width,
            heads=count,
            head_dim=width,
            conv_bias=False,
            full_rank_gate=linear.flag("use_full_rank_gate", default=False),
        ),
    }


def _kimi_k3(c: Fields) -> Parts:
    """What Kimi K3 adds: experts of a narrower stream with a norm, gated outputs, and outputs of earlier blocks.

    python/sglang/srt/models/kimi_k3.py of SGLang 0.5.23.
    """
    attention = latent(c)
    # a published copy of the config leaves the flag out; the checkpoint has the gates
    gated = c.flag("mla_use_output_gate", default=c.says("attn_res_block_size"))
    mixture = after_dense(c, router_bias=True)
    narrow = c.whole("routed_expert_hidden_size", default=0, most=2**16)
    return {
        "architecture": "kimi_k3",
        "latent": replace(attention["latent"], output_gate=gated),
        "experts": replace(
            mixture["experts"],
            latent_size=narrow,
            latent_norm=bool(narrow) and c.flag("latent_moe_use_norm", default=False),
        ),
        "residual_block": c.whole("attn_res_block_size", default=0, most=1024),
    }
