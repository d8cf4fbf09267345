"""What a transformer's forward pass holds at its widest, over a batch of tokens, on one rank."""

from typing import Final

from shared.catalog.rows import LayerKind, Shape
from shared.units import ceil_div

# MLA keeps room for the up-projection of this many cached tokens:
# vllm/model_executor/layers/attention/mla_attention.py of 0.19.0 (`determine_chunked_prefill_workspace_size`)
_MLA_WORKSPACE_TOKENS: Final = 64 * 1024


def experts_workspace_bytes(shape: Shape, tokens: int, tensor: int, element_bytes: int) -> int:
    """The two buffers the fused experts work in.

    vllm/model_executor/layers/fused_moe/fused_moe.py of 0.19.0 (`TritonExperts.workspace_shapes`; Marlin's are alike).
    """
    experts = shape.experts
    if experts is None:
        return 0
    inner = ceil_div(experts.ffn_size, tensor)
    fused = 2 * inner if shape.ffn_gated else inner
    per_choice = max(inner, shape.hidden_size) + max(fused, shape.hidden_size)
    return tokens * experts.active * per_choice * element_bytes


def forward_bytes(shape: Shape, tokens: int, tensor: int, element_bytes: int) -> int:
    """The most one layer holds at once: gate and up projections with their product, beside the residual stream."""
    widest = max(_dense_width(shape), _attention_width(shape), _state_width(shape))
    per_token = ceil_div(widest, tensor) + shape.hidden_size
    size = tokens * per_token * element_bytes
    if shape.latent is not None and shape.attention is not None:
        heads = max(1, shape.attention.heads // tensor)
        width = shape.latent.nope_head_dim + shape.latent.value_head_dim
        size = max(size, _MLA_WORKSPACE_TOKENS * heads * width * element_bytes)
    return size


def _dense_width(shape: Shape) -> int:
    inner = max(shape.ffn_size, *shape.ffn_size_per_layer, 0)
    if shape.experts is not None:
        inner = max(inner, shape.experts.shared_ffn_size)
    return (3 if shape.ffn_gated else 2) * inner


def _attention_width(shape: Shape) -> int:
    """Queries, keys and values, and the attention's output."""
    attention = shape.attention
    return 2 * (attention.heads + attention.kv_heads) * attention.head_dim if attention else 0


def _state_width(shape: Shape) -> int:
    """A recurrent layer's projections, their convolution and the scan's states; not measured."""
    row = shape.recurrent
    if row is None or not {LayerKind.RECURRENT, LayerKind.PARALLEL} & set(shape.layer_pattern):
        return 0
    inner = row.inner_size or row.heads * row.head_dim
    keys = (row.key_heads or row.heads) * (row.key_head_dim or row.head_dim) + row.groups * row.state_size
    return 6 * inner + 4 * keys
