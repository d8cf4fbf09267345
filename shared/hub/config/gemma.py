"""Gemma 1 to 4: windows, four norms in a layer, and from 3n on small embeddings per layer."""

from typing import Any, Final

from shared.catalog.rows import LayerKind
from shared.errors import Unsupported
from shared.hub.config.parts import (
    Parts,
    base,
    every_nth_full,
    experts,
    ffn,
    heads,
    layer_count,
    listed_layers,
)
from shared.hub.fields import Fields

# What Google's configs leave out because it is the default of Gemma3TextConfig (transformers 4.57).
_GEMMA3: Final = {
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "vocab_size": 262_208,
    "sliding_window": 4096,
    "max_position_embeddings": 131_072,
}


def gemma(c: Fields) -> Parts:
    """Gemma 1."""
    c = c.with_defaults(head_dim=256)
    return {**base(c, gguf="gemma", tied=True), "ffn_size": ffn(c), "attention": heads(c)}


def gemma2(c: Fields) -> Parts:
    """Gemma 2: a window in every other layer."""
    return {
        **gemma(c),
        "gguf_architecture": "gemma2",
        "norms_per_layer": 4,
        "window_tokens": c.whole("sliding_window", default=4096, least=1),
        "layer_pattern": listed_layers(c) or (LayerKind.WINDOW, LayerKind.FULL),
    }


def gemma3(c: Fields) -> Parts:
    """Gemma 3: five layers of a window, then a full one; norms on the heads."""
    c = c.with_defaults(**_GEMMA3)
    interval = c.whole("sliding_window_pattern", "_sliding_window_pattern", default=6, most=64)
    return {
        **base(c, gguf="gemma3", tied=True),
        "ffn_size": ffn(c),
        "attention": heads(c, qk_norm="head"),
        "norms_per_layer": 4,
        "window_tokens": c.whole("sliding_window", least=1),
        "layer_pattern": listed_layers(c) or every_nth_full(LayerKind.WINDOW, interval),
    }


def gemma3n(c: Fields) -> Parts:
    """Gemma 3n: the last layers read an earlier one's cache."""
    c = c.with_defaults(num_attention_heads=8, num_key_value_heads=2, head_dim=256, vocab_size=262_400)
    sizes = set(c.whole_numbers("intermediate_size")) if c.is_list("intermediate_size") else {ffn(c)}
    if len(sizes) != 1 or not all(0 < size < 2**24 for size in sizes):
        raise Unsupported("This Gemma 3n has feed-forwards of several widths, which I have no rule for.")
    return {
        **base(c, gguf="gemma3n", tied=True),
        "ffn_size": sizes.pop(),
        "attention": heads(c, qk_norm="head"),
        "norms_per_layer": 4,
        "window_tokens": c.whole("sliding_window", default=512, least=1),
        "layer_pattern": listed_layers(c) or every_nth_full(LayerKind.WINDOW, 5),
        "kv_shared_layers": c.whole("num_kv_shared_layers", default=15, most=layer_count(c) - 1),
        "per_layer_embedding_size": c.whole("hidden_size_per_layer_input", default=256, most=2**16),
    }


def gemma4(c: Fields) -> Parts:
    """Gemma 4: full layers have wider heads, whose values may be their keys; experts run beside a dense part."""
    window = heads(c, qk_norm="head")
    full = Fields(
        {
            "num_attention_heads": window.heads,
            "num_key_value_heads": c.whole("num_global_key_value_heads", default=window.kv_heads, least=1),
            "head_dim": c.whole("global_head_dim", default=window.head_dim, least=1, most=8192),
        }
    )
    shared = c.whole("num_kv_shared_layers", default=0, most=layer_count(c) - 1)
    return {
        **base(c, gguf="gemma4", tied=True),
        "ffn_size": ffn(c),
        **_double_wide(c, shared),
        "attention": heads(full, qk_norm="head", value_is_key=c.flag("attention_k_eq_v", default=False)),
        "window_attention": window,
        "window_tokens": c.whole("sliding_window", least=1),
        "layer_pattern": listed_layers(c) or every_nth_full(LayerKind.WINDOW, 6),
        "experts": experts(c, dense_beside=True) if c.flag("enable_moe_block", default=False) else None,
        "norms_per_layer": 4,
        "kv_shared_layers": shared,
        "per_layer_embedding_size": c.whole("hidden_size_per_layer_input", default=0, most=2**16),
    }


def _double_wide(c: Fields, shared: int) -> dict[str, Any]:
    """Layers that read an earlier one's cache may spend what they save on a feed-forward of twice the width."""
    if not c.flag("use_double_wide_mlp", default=False):
        return {}
    own = layer_count(c) - shared
    return {"ffn_size_per_layer": (ffn(c),) * own + (2 * ffn(c),) * shared}
