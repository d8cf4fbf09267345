"""What one layer keeps of a sequence: numbers per token for attention, a fixed state for recurrence."""

from dataclasses import dataclass
from typing import Final

from shared.catalog.rows import LayerKind, Recurrent, Shape
from shared.memory.tensors import kv_heads, layer_attention


@dataclass(frozen=True, slots=True)
class CacheWidth:
    """Numbers per token in one layer's cache. Latent attention keeps one row, counted as the key."""

    key: int
    value: int


# Encoders attend both ways within one batch and keep no cache, as `model_type` of config.json names them.
ENCODERS: Final = frozenset({"bert", "roberta", "xlm-roberta", "nomic_bert", "modernbert"})


def cache_width(shape: Shape, kind: LayerKind, layer: int) -> CacheWidth | None:
    """The widths of a layer's cache; None where it keeps nothing per token or reads another layer's cache."""
    if kind in (LayerKind.RECURRENT, LayerKind.NONE) or layer >= shape.layers - shape.kv_shared_layers:
        return None
    if kind is LayerKind.LATENT and shape.latent is not None:
        return CacheWidth(shape.latent.kv_rank + shape.latent.rope_head_dim, 0)
    heads = kv_heads(shape, kind, layer)
    if heads == 0:
        return None
    attention = layer_attention(shape, kind)
    return CacheWidth(heads * attention.head_dim, heads * (attention.value_head_dim or attention.head_dim))


def recurrent_state_size(recurrent: Recurrent, hidden: int) -> int:
    """Numbers one recurrent layer keeps per sequence: the last inputs of its convolution, and its state.

    llama_hparams::n_embd_r and n_embd_s of llama.cpp:
    https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/llama-hparams.cpp
    """
    history = max(0, recurrent.conv_kernel - 1)
    match recurrent.kind:
        case "short_convolution":
            return hidden * history
        case "kda":
            width = recurrent.heads * recurrent.head_dim
            return 3 * history * width + recurrent.head_dim * width
        case "gated_delta_net":
            value = recurrent.heads * recurrent.head_dim
            key_head = recurrent.key_head_dim or recurrent.head_dim
            key = (recurrent.key_heads or recurrent.heads) * key_head
            return history * (value + 2 * key) + key_head * value
        case "mamba" | "mamba2" | "rwkv":
            mixed = recurrent.inner_size + 2 * recurrent.groups * recurrent.state_size
            return history * mixed + recurrent.state_size * recurrent.inner_size
