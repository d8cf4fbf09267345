"""Which tensor-parallel sizes a model can be split by."""

from functools import lru_cache
from typing import Final

from shared.catalog.rows import Quantization, Shape
from shared.memory.sharding import VOCABULARY_PADDING
from shared.memory.split import Split
from shared.units import pad

_MOST_RANKS: Final = 64


@lru_cache(maxsize=4096)
def valid_tensor_parallel(shape: Shape) -> tuple[int, ...]:
    """The tensor-parallel sizes that divide this model."""
    return tuple(ranks for ranks in range(1, _MOST_RANKS + 1) if not undivided(shape, Split.even(ranks)))


@lru_cache(maxsize=4096)
def undivided(shape: Shape, split: Split) -> str:
    """What does not divide, in words; empty when all that is cut can be.

    vllm/config/model.py (`verify_with_parallel_config`) and vllm/model_executor/layers/linear.py and
    vocab_parallel_embedding.py of 0.19.0: heads by the ranks, key-value heads by the ranks or the ranks by them,
    inner sizes, padded vocabulary.
    """
    attention, ranks = shape.attention, split.attention
    if attention and attention.heads % ranks:
        return f"{attention.heads} attention heads"
    if attention and shape.latent is None and attention.kv_heads % ranks and ranks % attention.kv_heads:
        return f"{attention.kv_heads} key-value heads"
    for size in {shape.ffn_size, *shape.ffn_size_per_layer}:
        if size % split.dense:
            return f"a feed-forward of {size}"
    if shape.experts and shape.experts.ffn_size % split.experts:
        return f"experts of {shape.experts.ffn_size}"
    if pad(shape.vocabulary_size, VOCABULARY_PADDING) % split.head:
        return f"a vocabulary of {shape.vocabulary_size}"
    if shape.recurrent and shape.recurrent.heads % ranks:
        return f"{shape.recurrent.heads} recurrent heads"
    return ""


def cut_group(shape: Shape, quantization: Quantization, ranks: int) -> str:
    """A rank's share of an input must hold whole groups (vllm/model_executor/layers/quantization/awq.py)."""
    group = quantization.group_size
    for size in {shape.ffn_size, *shape.ffn_size_per_layer}:
        if ranks > 1 and size % (ranks * group):
            return f"a feed-forward of {size} in groups of {group}"
    return ""
