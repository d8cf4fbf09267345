"""The weight tensors of one attention layer: grouped-query and multi-head latent."""

from dataclasses import replace

from shared.catalog.rows import Attention, Latent
from shared.memory.tensor import Role, Tensor, linear, matrix, vector


def grouped_attention(
    attention: Attention, hidden: int, *, kv_heads: int | None = None, own_cache: bool = True
) -> tuple[Tensor, ...]:
    """Query, key, value and output projections with what the model adds to them.

    Args:
        attention: The heads.
        hidden: Width of the residual stream.
        kv_heads: Of this layer, where layers differ.
        own_cache: False for a layer that reads an earlier layer's cache and so has no keys and values.
    """
    kv_heads = attention.kv_heads if kv_heads is None else kv_heads
    head_dim = attention.head_dim
    value_dim = attention.value_head_dim or head_dim
    query_rows = attention.heads * head_dim * (2 if attention.output_gate else 1)
    bias = attention.qkv_bias
    tensors = list(linear(Role.QUERY, query_rows, hidden, bias=bias))
    if own_cache:
        tensors += linear(Role.KEY, kv_heads * head_dim, hidden, bias=bias)
        if not attention.value_is_key:
            tensors += linear(Role.VALUE, kv_heads * value_dim, hidden, bias=bias)
    tensors += linear(Role.ATTENTION_OUTPUT, hidden, attention.heads * value_dim, bias=attention.output_bias)
    if attention.qk_norm != "none":
        full = attention.qk_norm == "full"
        tensors.append(vector(Role.QUERY_NORM, attention.heads * head_dim if full else head_dim))
        if own_cache:
            tensors.append(vector(Role.KEY_NORM, kv_heads * head_dim if full else head_dim))
    if attention.sinks:
        tensors.append(vector(Role.SINKS, attention.heads))
    if attention.head_gate:
        tensors.append(matrix(Role.ATTENTION_GATE, attention.heads, hidden))
    return tuple(tensors)


def block_indexer(attention: Attention, hidden: int) -> tuple[Tensor, ...]:
    """The indexer that picks the blocks a sparse layer reads (MiniMaxM3VLIndexer of transformers 5.23)."""
    size = attention.indexer_head_dim
    return (
        matrix(Role.INDEXER_QUERY, attention.indexer_heads * size, hidden),
        matrix(Role.INDEXER_KEY, size, hidden),
        vector(Role.INDEXER_QUERY_NORM, size),
        vector(Role.INDEXER_KEY_NORM, size),
    )


def cross_attention(attention: Attention, hidden: int) -> tuple[Tensor, ...]:
    """Attention to an image, gated (MllamaCrossAttentionDecoderLayer of transformers 5.23)."""
    normed = replace(attention, qk_norm="head")
    gates = (vector(Role.CROSS_GATE, 1), vector(Role.CROSS_GATE, 1))  # of attention and of the feed-forward
    return (*grouped_attention(normed, hidden), *gates)


def latent_attention(latent: Latent, heads: int, hidden: int) -> tuple[Tensor, ...]:
    """Multi-head latent attention: DeepSeek-V2 (arXiv 2405.04434), with the sparse indexer where there is one."""
    query_rows = heads * (latent.nope_head_dim + latent.rope_head_dim)
    tensors: list[Tensor] = []
    if latent.query_rank:
        tensors += [
            matrix(Role.QUERY_DOWN, latent.query_rank, hidden),
            vector(Role.QUERY_DOWN_NORM, latent.query_rank),
            matrix(Role.QUERY_UP, query_rows, latent.query_rank),
        ]
    else:
        tensors.append(matrix(Role.QUERY, query_rows, hidden))
    tensors += [
        matrix(Role.KV_DOWN, latent.kv_rank + latent.rope_head_dim, hidden),
        vector(Role.KV_DOWN_NORM, latent.kv_rank),
        # stored transposed, as llama.cpp absorbs it into the query: nope inputs, rank outputs, per head
        matrix(Role.KV_UP_KEY, latent.kv_rank, latent.nope_head_dim, matrices=heads),
        matrix(Role.KV_UP_VALUE, latent.value_head_dim, latent.kv_rank, matrices=heads),
        matrix(Role.ATTENTION_OUTPUT, hidden, heads * latent.value_head_dim),
    ]
    if latent.output_gate:
        tensors.append(matrix(Role.ATTENTION_GATE, heads * latent.value_head_dim, hidden))
    if latent.indexer_heads:
        tensors += [
            matrix(
                Role.INDEXER_QUERY,
                latent.indexer_heads * latent.indexer_head_dim,
                latent.query_rank or hidden,
            ),
            matrix(Role.INDEXER_KEY, latent.indexer_head_dim, hidden),
            vector(Role.INDEXER_KEY_NORM, latent.indexer_head_dim),
            vector(Role.INDEXER_KEY_NORM, latent.indexer_head_dim, bias=True),
            matrix(Role.INDEXER_WEIGHTS, latent.indexer_heads, hidden),
        ]
    return tuple(tensors)
