"""DeepSeek and all built like it: latent attention, and Kimi Linear with its delta layers."""

from typing import Final

from shared.catalog.rows import LayerKind, Recurrent
from shared.hub.config.mixtures import after_dense
from shared.hub.config.parts import Parts, base, heads, latent, layer_count, mtp
from shared.hub.fields import Fields

_LATENT_GGUF: Final = {"glm_moe_dsa": "glm-dsa"}


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
    delta = set(linear.sequence("kda_layers"))
    kinds = [
        LayerKind.RECURRENT if layer + 1 in delta else LayerKind.LATENT for layer in range(layer_count(c))
    ]
    count, width = linear.whole("num_heads", least=1, most=4096), linear.whole("head_dim", least=1, most=8192)
    return {
        **base(c, gguf="kimi-linear"),
        **after_dense(c, router_bias=True),
        **latent(c),
        "layer_pattern": tuple(kinds),
        "recurrent": Recurrent(
            kind="kda",
            conv_kernel=linear.whole("short_conv_kernel_size", least=1, most=64),
            inner_size=count * width,
            state_size=width,
            heads=count,
            head_dim=width,
            conv_bias=False,
        ),
    }
