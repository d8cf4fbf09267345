"""The KV cache of one token in one layer, on one rank of a tensor-parallel server."""

from typing import Final

from shared.catalog.rows import LayerKind, Shape
from shared.memory.tensors import layer_attention
from shared.units import ceil_div

_INDEXER_GROUP: Final = 128  # FP8 key features of the sparse indexer that share an fp32 scale
_INDEXER_SCALE_BYTES: Final = 4
# DeepSeek's own FP8 row of sparse attention: 512 FP8 features, four fp32 scales, 64 rotary features in 16 bits
# (vllm/v1/attention/backends/mla/flashmla_sparse.py of 0.19.0; SGLang prints the same 656 bytes).
_SPARSE_FP8_EXTRA: Final = 4 * 4 + 64


def cache_row_bytes(shape: Shape, layer: int, kind: LayerKind, tensor: int, element_bytes: int) -> int:
    """Bytes of one token in layer `layer`; 0 for recurrent layers and those without attention.

    Of a compressed layer it is one row, which stands for one token of the window or for several before it.
    A rank holds at least one key-value head; a latent row is the same on every rank.
    """
    if kind in (LayerKind.RECURRENT, LayerKind.NONE):
        return 0
    if kind is LayerKind.LATENT and shape.latent is not None:
        latent = shape.latent
        row = (latent.kv_rank + latent.rope_head_dim) * element_bytes
        if not latent.indexer_heads:
            return row
        index = latent.indexer_head_dim
        scales = ceil_div(index, _INDEXER_GROUP) * _INDEXER_SCALE_BYTES
        return row + (_SPARSE_FP8_EXTRA if element_bytes == 1 else 0) + index + scales
    attention = layer_attention(shape, kind)
    heads = shape.kv_heads_per_layer[layer] if shape.kv_heads_per_layer else attention.kv_heads
    if kind is LayerKind.COMPRESSED:  # values are the keys, and all heads share them
        return attention.head_dim * element_bytes
    width = attention.head_dim + (attention.value_head_dim or attention.head_dim)
    index = attention.indexer_head_dim * element_bytes if kind is LayerKind.SPARSE else 0
    return max(1, heads // tensor) * width * element_bytes + index
