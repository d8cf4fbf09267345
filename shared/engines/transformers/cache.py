"""The dynamic cache of transformers, which grows with every token."""

from dataclasses import dataclass
from functools import lru_cache

from shared.catalog.rows import LayerKind, Model, Quantization, Shape
from shared.memory.cache_rows import cache_row_bytes
from shared.memory.checkpoint import scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRows:
    """Bytes of one token of one sequence over some layers; windowed layers keep the last `window_tokens` only."""

    full_bytes: int
    window_bytes: int
    window_tokens: int
    widest_bytes: int  # of one layer

    def bytes_at(self, tokens: int) -> int:
        """The cache of one sequence that has grown to `tokens`."""
        return tokens * self.full_bytes + min(tokens, self.window_tokens) * self.window_bytes


@lru_cache(maxsize=8192)
def cache_rows(
    model: Model, quantization: Quantization, layers: tuple[int, ...], *, expanded: bool
) -> CacheRows:
    """The rows of these layers. `expanded` is how transformers 4 cached latent attention: keys and values per head.

    transformers/cache_utils.py of 5.23.0 (`DynamicLayer`, `DynamicSlidingWindowLayer`).
    """
    shape = model.shape
    element = scheme(model, quantization).plain_bytes
    kinds = shape.layer_kinds()
    full = window = widest = 0
    for layer in layers:
        if layer >= shape.layers - shape.kv_shared_layers:
            continue
        kind = kinds[layer]
        row = cache_row_bytes(shape, layer, kind, 1, element)
        if kind is LayerKind.LATENT and expanded:
            row = _expanded_latent_bytes(shape, element)
        if kind in (LayerKind.WINDOW, LayerKind.CHUNKED):
            window += row
        else:
            full += row
        widest = max(widest, row)
    return CacheRows(
        full_bytes=full, window_bytes=window, window_tokens=shape.window_tokens, widest_bytes=widest
    )


def _expanded_latent_bytes(shape: Shape, element_bytes: int) -> int:
    """Keys and values of every head."""
    if shape.latent is None or shape.attention is None:
        return 0
    latent = shape.latent
    width = latent.nope_head_dim + latent.rope_head_dim + latent.value_head_dim
    return shape.attention.heads * width * element_bytes
