"""The dynamic cache of transformers, which grows with every token."""

from dataclasses import dataclass
from functools import lru_cache

from shared.catalog.rows import LayerKind, Model, Quantization, Shape
from shared.memory.cache_rows import cache_row_bytes
from shared.memory.checkpoint import scheme
from shared.memory.compressed_tensors import OVERLAPPING
from shared.memory.kv_cache import ENCODERS


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRows:
    """Bytes of one token of one sequence over some layers; windowed layers keep the last `window_tokens` only.

    `compressed` are bytes of one row for every so many tokens; `fixed_bytes` are kept whatever the length.
    """

    full_bytes: int
    window_bytes: int
    window_tokens: int
    widest_bytes: int  # of one layer
    compressed: tuple[tuple[int, int], ...] = ()
    fixed_bytes: int = 0

    def bytes_at(self, tokens: int) -> int:
        """The cache of one sequence that has grown to `tokens`."""
        rows = sum(tokens // ratio * size for ratio, size in self.compressed)
        window = min(tokens, self.window_tokens) * self.window_bytes
        return tokens * self.full_bytes + window + rows + self.fixed_bytes


@lru_cache(maxsize=8192)
def cache_rows(
    model: Model, quantization: Quantization, layers: tuple[int, ...], *, expanded: bool
) -> CacheRows:
    """The rows of these layers. `expanded` is how transformers 4 cached latent attention: keys and values per head.

    transformers/cache_utils.py of 5.23.0 (`DynamicLayer`, `DynamicSlidingWindowLayer`). Layers that attend to an
    image keep its states, counted as of one image a sequence (`MllamaTextCrossAttention`).
    """
    shape = model.shape
    element = scheme(model, quantization).plain_bytes
    kinds = shape.layer_kinds()
    full = window = widest = fixed = 0
    compressed: list[tuple[int, int]] = []
    for layer in layers if shape.architecture not in ENCODERS else ():
        if layer >= shape.layers - shape.kv_shared_layers:
            continue
        kind = kinds[layer]
        row = cache_row_bytes(shape, layer, kind, 1, element)
        if kind is LayerKind.LATENT and expanded:
            row = _expanded_latent_bytes(shape, element)
        if kind is LayerKind.CROSS:
            fixed += shape.cross_tokens * row
            continue
        if kind is LayerKind.COMPRESSED:
            ratio, size, held = _compressed_row(shape, layer, element)
            compressed += [(ratio, size)] if ratio else []
            fixed += held
        if kind in (LayerKind.WINDOW, LayerKind.CHUNKED, LayerKind.COMPRESSED):
            window += row
        else:
            full += row
        widest = max(widest, row)
    return CacheRows(
        full_bytes=full,
        window_bytes=window,
        window_tokens=shape.window_tokens,
        widest_bytes=widest,
        compressed=tuple(compressed),
        fixed_bytes=fixed,
    )


def _compressed_row(shape: Shape, layer: int, element_bytes: int) -> tuple[int, int, int]:
    """Tokens a row, bytes of a row, and bytes of what waits to be compressed, of one layer of DeepSeek V4.

    `DeepseekV4HCACache` and `DeepseekV4CSACache` of 5.23.0: what overlaps is twice as wide and has an indexer's row.
    """
    row, attention = shape.compressed, shape.attention
    if row is None or attention is None or not row.ratios[layer]:
        return 0, 0, 0
    ratio = row.ratios[layer]
    size = attention.head_dim + (row.indexer_head_dim if ratio == OVERLAPPING else 0)
    waiting = ratio * 2 * size * (2 if ratio == OVERLAPPING else 1)  # keys and gates
    return ratio, size * element_bytes, waiting * element_bytes


def _expanded_latent_bytes(shape: Shape, element_bytes: int) -> int:
    """Keys and values of every head."""
    if shape.latent is None or shape.attention is None:
        return 0
    latent = shape.latent
    width = latent.nope_head_dim + latent.rope_head_dim + latent.value_head_dim
    return shape.attention.heads * width * element_bytes
