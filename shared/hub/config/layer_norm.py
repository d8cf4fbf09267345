"""Decoders with layer norms that have biases: StarCoder2, StableLM, Falcon, GPT-NeoX."""

from shared.errors import Unsupported
from shared.hub.config.parts import HeadNorm, Parts, base, ffn, heads
from shared.hub.fields import Fields


def starcoder2(c: Fields) -> Parts:
    """StarCoder2: biases everywhere, no gate."""
    bias = c.flag("use_bias", default=True)
    return {
        **base(c, gguf="starcoder2", tied=True),
        "ffn_size": ffn(c),
        "attention": heads(c, qkv_bias=bias, output_bias=bias),
        "ffn_gated": False,
        "ffn_bias": bias,
        "norm_bias": True,
    }


def stablelm(c: Fields) -> Parts:
    """StableLM: layer norms with biases; the 12B runs both halves side by side and norms its heads."""
    beside = c.flag("use_parallel_residual", default=False)
    norm: HeadNorm = "full" if c.flag("qk_layernorm", default=False) else "none"
    return {
        **base(c, gguf="stablelm"),
        "ffn_size": ffn(c),
        "attention": heads(
            c,
            qk_norm=norm,
            qkv_bias=c.flag("use_qkv_bias", default=False),
            output_bias=False,
        ),
        "norms_per_layer": 1 if beside else 2,
        "norm_bias": True,
    }


def falcon(c: Fields) -> Parts:
    """Falcon 7B to 180B: one key-value head or a few, a feed-forward of four widths, a head published apart."""
    new = c.flag("new_decoder_architecture", default=False)
    count = c.whole("num_attention_heads", "n_head", least=1, most=4096)
    kv_heads = c.whole("num_kv_heads", "n_head_kv", default=count, least=1) if new else 1
    if not new and not c.flag("multi_query", default=True):
        kv_heads = count
    fields = c.with_defaults(num_attention_heads=count, num_key_value_heads=kv_heads)
    bias = c.flag("bias", default=False)
    if bias or not c.flag("parallel_attn", default=True):
        raise Unsupported("This Falcon has biases or layers one behind the other, which I have no rule for.")
    return {
        **base(c, gguf="falcon"),
        "ffn_size": c.whole("ffn_hidden_size", default=4 * c.whole("hidden_size", least=1)),
        "attention": heads(fields, qkv_bias=False, output_bias=False),
        "ffn_gated": False,
        "norms_per_layer": c.whole("num_ln_in_parallel_attn", default=2 if new else 1, least=1, most=2),
        "norm_bias": True,
    }


def gpt_neox(c: Fields) -> Parts:
    """GPT-NeoX and Pythia."""
    return {
        **base(c, gguf="gptneox"),
        "ffn_size": ffn(c),
        "attention": heads(c, qkv_bias=True, output_bias=True),
        "ffn_gated": False,
        "ffn_bias": True,
        "norm_bias": True,
    }
