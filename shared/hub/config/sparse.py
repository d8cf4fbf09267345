"""Attention that compresses tokens (DeepSeek V4), and attention that picks blocks by an indexer (MiniMax M3)."""

from collections.abc import Sequence
from typing import Final

from shared.catalog.rows import Compressed, LayerKind
from shared.errors import Unsupported
from shared.hub.config.parts import Parts, base, experts, folded, heads, layer_count, mtp, shared_experts
from shared.hub.fields import MOST_LAYERS, Fields

_RATIOS: Final = {
    "sliding_attention": 0,
    "compressed_sparse_attention": 4,
    "heavily_compressed_attention": 128,
}


def deepseek_v4(c: Fields) -> Parts:
    """DeepSeek V4: every layer keeps a window and, most of them, one row for every few tokens before it.

    deepseek_v4/modeling_deepseek_v4.py of transformers 5.23. The table by which the first layers choose their experts
    holds no parameters.
    """
    return {
        "architecture": "deepseek_v4",  # copies of its config call it by other names
        **base(c, gguf="deepseek4"),
        **mtp(c),
        "attention": heads(c),
        "compressed": Compressed(
            query_rank=c.whole("q_lora_rank", least=1, most=2**16),
            output_groups=c.whole("o_groups", least=1, most=4096),
            output_rank=c.whole("o_lora_rank", least=1, most=2**16),
            ratios=_ratios(c),
            indexer_heads=c.whole("index_n_heads", least=1, most=4096),
            indexer_head_dim=c.whole("index_head_dim", least=1, most=8192),
            indexer_topk=c.whole("index_topk", least=1),
        ),
        "window_tokens": c.whole("sliding_window", least=1),
        "layer_pattern": (LayerKind.COMPRESSED,),
        "experts": experts(c, router_bias=True, **shared_experts(c)),
        "residual_streams": c.whole("hc_mult", default=4, least=1, most=64),
    }


def _ratios(c: Fields) -> tuple[int, ...]:
    """Tokens per row of every layer, by number or by the layer's name."""
    listed: Sequence[object] = c.sequence("compress_ratios", most=2 * MOST_LAYERS)
    if not listed:
        names = c.sequence("layer_types")
        listed = [_RATIOS.get(name) if isinstance(name, str) else None for name in names]
    ratios = tuple(ratio for ratio in listed if isinstance(ratio, int) and ratio in _RATIOS.values())
    if len(ratios) != len(listed) or len(ratios) < layer_count(c):
        raise Unsupported("The config does not say the compression of every layer (compress_ratios).")
    return ratios


def minimax_m3(c: Fields) -> Parts:
    """MiniMax M3: a few dense layers first; the others pick the blocks they attend to.

    minimax_m3_vl/modeling_minimax_m3_vl.py of transformers 5.23. Its prediction modules are published apart, as M2's.
    """
    sparse = c.part("sparse_attention_config")
    flags = sparse.sequence("sparse_attention_freq")
    mixtures = [bool(flag) for flag in c.sequence("moe_layer_freq")]
    first = mixtures.index(True) if True in mixtures else len(mixtures)
    if len(flags) != layer_count(c) or len(mixtures) != len(flags) or not all(mixtures[first:]) or not first:
        raise Unsupported("The config's layer lists do not say one layer each, dense ones first.")
    shared = c.whole("n_shared_experts", default=0, most=64)
    width = shared * c.whole("shared_intermediate_size", "intermediate_size", least=1, most=2**24)
    return {
        "architecture": "minimax_m3",
        **base(c, gguf="minimax-m3"),
        "ffn_size": c.whole("dense_intermediate_size", least=1, most=2**24),
        "attention": heads(
            c,
            qk_norm="head" if c.flag("use_qk_norm", default=True) else "none",
            indexer_heads=sparse.whole("sparse_num_index_heads", least=1, most=4096),
            indexer_head_dim=sparse.whole("sparse_index_dim", least=1, most=8192),
        ),
        "layer_pattern": folded([LayerKind.SPARSE if flag else LayerKind.FULL for flag in flags]),
        "experts": experts(c, first_dense_layers=first, router_bias=True, shared=shared, shared_width=width),
    }
