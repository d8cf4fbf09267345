"""The KV cache and recurrent state of llama.cpp, layer by layer, exact to the byte.

llama-kv-cache.cpp, llama-kv-cache-iswa.cpp and llama-memory-recurrent.cpp at 0c1e57098:
https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/llama-kv-cache.cpp
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate

from shared.catalog.rows import LayerKind, Model, Shape
from shared.engines.llama_cpp.gguf_tensors import UNCOMPRESSED_CACHE
from shared.engines.llama_cpp.settings import ENCODERS, Settings
from shared.memory.gguf_types import GGUF_TYPES
from shared.memory.kv_cache import cache_width, recurrent_state_size

_STATE_BYTES = 4  # recurrent states are kept in 32 bits


@dataclass(frozen=True, slots=True)
class CacheDigest:
    """Bytes per cell in running totals over the layers, for full and for windowed layers; recurrent state likewise."""

    full: Sequence[int]
    window: Sequence[int]
    recurrent: Sequence[int]

    def bytes_between(self, first: int, end: int, settings: Settings) -> int:
        """The KV cache of the layers from `first` up to but not including `end`."""
        full = (self.full[end] - self.full[first]) * settings.cells
        window = (self.window[end] - self.window[first]) * settings.window_cells
        return (full + window) * settings.streams

    def state_between(self, first: int, end: int, settings: Settings) -> int:
        """The recurrent state of those layers, one per sequence and for every token it may go back."""
        return (self.recurrent[end] - self.recurrent[first]) * settings.sequences * (1 + settings.rollbacks)


@lru_cache(maxsize=256)
def as_cached(model: Model) -> Model:
    """The model with the attention that llama.cpp computes: MiniCPM3's latent rows are expanded before the cache."""
    if model.shape.gguf_architecture not in UNCOMPRESSED_CACHE:
        return model
    shape = replace(model.shape, layer_pattern=(LayerKind.FULL,))
    return replace(model, shape=shape)


@lru_cache(maxsize=4096)
def cache_digest(model: Model, key_type: str, value_type: str, flash_attention: bool) -> CacheDigest:
    """What each layer of this model keeps."""
    shape = model.shape
    if shape.gguf_architecture in ENCODERS:
        nothing = (0,) * (shape.layers + 1)
        return CacheDigest(full=nothing, window=nothing, recurrent=nothing)
    full, window, recurrent = [0] * shape.layers, [0] * shape.layers, [0] * shape.layers
    widest = 0 if flash_attention else _widest_value(shape)
    for layer, kind in enumerate(shape.layer_kinds()):
        if kind in (LayerKind.RECURRENT, LayerKind.PARALLEL) and shape.recurrent is not None:
            recurrent[layer] = _STATE_BYTES * recurrent_state_size(shape.recurrent, shape.hidden_size)
        if kind is LayerKind.RECURRENT:
            continue
        width = cache_width(shape, kind, layer)
        if width is None:
            if kind is LayerKind.NONE and shape.recurrent is None:  # but the padding of V is made for it
                full[layer] = GGUF_TYPES[value_type].row_bytes(widest)
            continue
        # without flash attention the V cache is transposed, and narrower layers are padded to the widest
        value = max(width.value, widest) if width.value else 0
        size = GGUF_TYPES[key_type].row_bytes(width.key) + GGUF_TYPES[value_type].row_bytes(value)
        windowed = kind in (LayerKind.WINDOW, LayerKind.CHUNKED)
        (window if windowed else full)[layer] = size + _indexer_bytes(shape, kind, key_type)
    return CacheDigest(
        full=tuple(accumulate(full, initial=0)),
        window=tuple(accumulate(window, initial=0)),
        recurrent=tuple(accumulate(recurrent, initial=0)),
    )


def _widest_value(shape: Shape) -> int:
    widths = (cache_width(shape, kind, layer) for layer, kind in enumerate(shape.layer_kinds()))
    return max((width.value for width in widths if width is not None), default=0)


def _indexer_bytes(shape: Shape, kind: LayerKind, key_type: str) -> int:
    """Sparse attention keeps the indexer's keys too (llama-kv-cache-dsa.cpp)."""
    if kind is not LayerKind.LATENT or shape.latent is None or not shape.latent.indexer_heads:
        return 0
    return GGUF_TYPES[key_type].row_bytes(shape.latent.indexer_head_dim)
