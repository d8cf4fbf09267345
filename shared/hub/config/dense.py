"""Dense decoders: each function says how an architecture differs, as its model code in transformers 4.57 has it.

Mistral, Phi-3 and StarCoder2 may name a sliding window that llama.cpp and most servers do not make use of; the whole
context is counted, which is never less than what a window keeps.
"""

from shared.catalog.rows import LayerKind
from shared.hub.config.parts import (
    Adapter,
    HeadNorm,
    Parts,
    base,
    every_nth_full,
    ffn,
    heads,
    layer_count,
    listed_layers,
    mtp,
)
from shared.hub.fields import Fields


def llama(c: Fields) -> Parts:
    """Llama 1 to 3 and everything published as such."""
    kind = c.part("rope_scaling") if "rope_scaling" in c else c.part("rope_parameters")
    return {
        **base(c, gguf="llama"),
        "ffn_size": ffn(c),
        "attention": heads(c),
        "ffn_bias": c.flag("mlp_bias", default=False),
        "rope_frequencies": kind.text("rope_type", kind.text("type")) == "llama3",
    }


def exaone(c: Fields) -> Parts:
    """EXAONE 3 and 3.5: Llama's layers under a loader of their own in llama.cpp."""
    return {**llama(c), "gguf_architecture": "exaone"}


def mistral(c: Fields) -> Parts:
    """Mistral: Llama's layers without biases."""
    return {
        **base(c, gguf="llama"),
        "ffn_size": ffn(c),
        "attention": heads(c, qkv_bias=False, output_bias=False),
    }


def ministral3(c: Fields) -> Parts:
    """Ministral 3 and Mistral Medium 3.5."""
    return {**mistral(c), "gguf_architecture": "mistral3"}


def qwen2(c: Fields) -> Parts:
    """Qwen 1.5 to 2.5: biases on query, key and value only."""
    parts = {
        **base(c, gguf="qwen2"),
        "ffn_size": ffn(c),
        "attention": heads(c, qkv_bias=True, output_bias=False),
    }
    if c.flag("use_sliding_window", default=False) and c.whole("sliding_window", default=0):
        whole = min(c.whole("max_window_layers", default=28), layer_count(c))
        kinds = (LayerKind.FULL,) * whole + (LayerKind.WINDOW,) * (layer_count(c) - whole)
        parts |= {"layer_pattern": kinds, "window_tokens": c.whole("sliding_window")}
    return parts


def qwen2_vl(c: Fields) -> Parts:
    """Qwen2-VL and Qwen2.5-VL: Qwen2's decoder."""
    return {**qwen2(c), "gguf_architecture": "qwen2vl"}


def mimo(c: Fields) -> Parts:
    """MiMo 7B: Qwen2 with a prediction layer."""
    return {**qwen2(c), **mtp(c)}


def qwen3(c: Fields) -> Parts:
    """Qwen3: norms on each head's query and key."""
    return {**base(c, gguf="qwen3"), "ffn_size": ffn(c), "attention": heads(c, qk_norm="head")}


def qwen3_vl(c: Fields) -> Parts:
    """Qwen3-VL: Qwen3's decoder."""
    return {**qwen3(c), "gguf_architecture": "qwen3vl"}


def phi3(c: Fields) -> Parts:
    """Phi-3, Phi-3.5 and Phi-4."""
    return {**mistral(c), "gguf_architecture": "phi3"}


def cohere(c: Fields) -> Parts:
    """Command R: attention and feed-forward side by side behind one norm."""
    norm: HeadNorm = "full" if c.flag("use_qk_norm", default=False) else "none"
    return {
        **base(c, gguf="command-r", tied=True),
        "ffn_size": ffn(c),
        "attention": heads(c, qk_norm=norm),
        "norms_per_layer": 1,
    }


def cohere2(c: Fields) -> Parts:
    """Command R7B and Command A: three layers of a window, then a full one."""
    interval = c.whole("sliding_window_pattern", "_sliding_window_pattern", default=4, most=64)
    return {
        **cohere(c),
        "gguf_architecture": "cohere2",
        "window_tokens": c.whole("sliding_window", default=4096, least=1),
        "layer_pattern": listed_layers(c) or every_nth_full(LayerKind.WINDOW, interval),
    }


def granite(c: Fields) -> Parts:
    """Granite 3 and 4.1."""
    return {**llama(c), "gguf_architecture": "granite", "rope_frequencies": False}


def olmo2(c: Fields) -> Parts:
    """OLMo 2: norms behind each half of a layer, and on whole queries and keys."""
    return {**base(c, gguf="olmo2"), "ffn_size": ffn(c), "attention": heads(c, qk_norm="full")}


def olmo3(c: Fields) -> Parts:
    """OLMo 3: OLMo 2 with windows in three layers of four."""
    return {
        **olmo2(c),
        "window_tokens": c.whole("sliding_window", least=1),
        "layer_pattern": listed_layers(c) or every_nth_full(LayerKind.WINDOW, 4),
    }


def internlm(c: Fields) -> Parts:
    """InternLM 2 and 3, whose files fuse query, key and value and hold the same weights."""
    bias = c.flag("bias", default=False)
    version = "internlm3" if c.text("model_type") == "internlm3" else "internlm2"
    return {
        **base(c, gguf=version),
        "ffn_size": ffn(c),
        "attention": heads(c, qkv_bias=bias, output_bias=bias),
    }


def smollm3(c: Fields) -> Parts:
    """SmolLM3: Llama's layers, some without rotary embedding."""
    return {
        **llama(c),
        "gguf_architecture": "smollm3",
        "tied_embeddings": c.flag("tie_word_embeddings", default=True),
    }


def seed_oss(c: Fields) -> Parts:
    """Seed-OSS: biases on query, key and value."""
    out = c.flag("attention_out_bias", default=False)
    bias = c.flag("attention_bias", default=True)
    return {
        **base(c, gguf="seed_oss"),
        "ffn_size": ffn(c),
        "attention": heads(c, qkv_bias=bias, output_bias=out),
    }


def glm4(c: Fields) -> Parts:
    """GLM-4 0414 and GLM-4.1V: four norms in a layer."""
    return {**glm(c), "gguf_architecture": "glm4", "norms_per_layer": 4}


def glm(c: Fields) -> Parts:
    """GLM-4 of 2024."""
    bias = c.flag("attention_bias", default=True)
    return {
        **base(c, gguf="chatglm"),
        "ffn_size": ffn(c),
        "attention": heads(c, qkv_bias=bias, output_bias=False),
    }


def hunyuan(c: Fields) -> Parts:
    """Hunyuan dense."""
    return {
        **base(c, gguf="hunyuan-dense", tied=True),
        "ffn_size": ffn(c),
        "attention": heads(c, qk_norm="head" if c.flag("use_qk_norm", default=True) else "none"),
    }


def ernie(c: Fields) -> Parts:
    """ERNIE 4.5 dense."""
    bias = c.flag("use_bias", default=False)
    return {
        **base(c, gguf="ernie4_5", tied=True),
        "ffn_size": ffn(c),
        "attention": heads(c, qkv_bias=bias, output_bias=bias),
    }


def exaone4(c: Fields) -> Parts:
    """EXAONE 4: norms behind each half and on the heads; the 32B has windows in three layers of four."""
    parts = {**base(c, gguf="exaone4"), "ffn_size": ffn(c), "attention": heads(c, qk_norm="head")}
    if c.whole("sliding_window", default=0):
        kinds = listed_layers(c) or every_nth_full(LayerKind.WINDOW, 4)
        parts |= {"window_tokens": c.whole("sliding_window"), "layer_pattern": kinds}
    return parts


def ungated(gguf: str, *, head_norms: bool) -> Adapter:
    """Llama's layers with a feed-forward that has no gate (Apertus, AFM)."""

    def adapter(c: Fields) -> Parts:
        attention = heads(c, qk_norm="head" if head_norms else "none")
        return {**base(c, gguf=gguf), "ffn_size": ffn(c), "attention": attention, "ffn_gated": False}

    return adapter
