"""The weight tensors of attention over compressed tokens."""

from typing import Final

from shared.catalog.rows import Attention, Compressed
from shared.memory.tensor import Role, Tensor, matrix, vector

OVERLAPPING: Final = 4  # tokens a row, where rows overlap and an indexer picks among them


def compressed_attention(
    row: Compressed, attention: Attention, hidden: int, ratio: int
) -> tuple[Tensor, ...]:
    """One layer of DeepSeek V4's attention.

    As DeepseekV4Attention of transformers 5.23 and src/models/deepseek4.cpp of llama.cpp hold it:
    https://github.com/ggml-org/llama.cpp/blob/00395eb285c7c6821ff372e3ca41dae9da33c2c7/src/models/deepseek4.cpp

    Args:
        row: Ranks and indexer.
        attention: Heads; one key-value row for all of them.
        hidden: Width of the residual stream.
        ratio: Tokens that become one row; 0 for a window only.
    """
    width = attention.heads * attention.head_dim
    tensors = [
        matrix(Role.QUERY_DOWN, row.query_rank, hidden),
        vector(Role.QUERY_DOWN_NORM, row.query_rank),
        matrix(Role.QUERY_UP, width, row.query_rank),
        matrix(Role.KV_DOWN, attention.head_dim, hidden),
        vector(Role.KV_DOWN_NORM, attention.head_dim),
        matrix(Role.OUTPUT_DOWN, row.output_groups * row.output_rank, width // row.output_groups),
        matrix(Role.ATTENTION_OUTPUT, hidden, row.output_groups * row.output_rank),
        vector(Role.SINKS, attention.heads),
    ]
    if not ratio:
        return tuple(tensors)
    size = attention.head_dim * (2 if ratio == OVERLAPPING else 1)
    tensors += [
        matrix(Role.COMPRESSOR_KEY, size, hidden),
        matrix(Role.COMPRESSOR_GATE, size, hidden),
        matrix(Role.COMPRESSOR_POSITION, ratio, size),
        vector(Role.COMPRESSOR_NORM, attention.head_dim),
    ]
    return (*tensors, *(_indexer(row, hidden) if ratio == OVERLAPPING else ()))


def _indexer(row: Compressed, hidden: int) -> tuple[Tensor, ...]:
    size = 2 * row.indexer_head_dim
    return (
        matrix(Role.INDEXER_QUERY, row.indexer_heads * row.indexer_head_dim, row.query_rank),
        matrix(Role.INDEXER_WEIGHTS, row.indexer_heads, hidden),
        matrix(Role.INDEXER_COMPRESSOR_KEY, size, hidden),
        matrix(Role.INDEXER_COMPRESSOR_GATE, size, hidden),
        matrix(Role.INDEXER_COMPRESSOR_POSITION, OVERLAPPING, size),
        vector(Role.INDEXER_COMPRESSOR_NORM, row.indexer_head_dim),
    )
