"""How many ranks each part of a model is cut over, and how many whole experts one rank holds."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self

from shared.catalog.rows import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The share of one rank. Every number is how many ranks that part is cut over.

    Attributes:
        attention: Projections of attention and of recurrent layers, and the KV heads.
        dense: Dense feed-forward layers.
        shared: Shared experts.
        experts: The matrices of every routed expert.
        held_experts: Routed experts of a layer this rank holds; None is all of them.
        embedding: The token embedding's rows.
        head: The head's rows.
    """

    attention: int
    dense: int
    shared: int
    experts: int
    held_experts: int | None = None
    embedding: int
    head: int

    @classmethod
    def even(cls, ranks: int) -> Self:
        """Plain tensor parallel: everything over all ranks."""
        return cls(attention=ranks, dense=ranks, shared=ranks, experts=ranks, embedding=ranks, head=ranks)

    @property
    def is_even(self) -> bool:
        """Whether this is plain tensor parallel."""
        return self == Split.even(self.attention)


@lru_cache(maxsize=4096)
def vllm_split(shape: Shape, tensor: int, data: int, rank: int, *, expert_parallel: bool) -> Split:
    """What rank `rank` of a vLLM server holds, counted over all its engines.

    Attention is cut over tensor parallel and repeated by every data-parallel engine. Experts are cut over the ranks
    of all engines, or with expert parallel divided whole over them, the first ranks taking what is left over; then
    shared experts are repeated where both sizes exceed one.
    vllm/model_executor/layers/fused_moe/config.py (`FusedMoEParallelConfig.make`), layer.py (`determine_expert_map`),
    config/parallel.py (`use_sequence_parallel_moe`) of 0.19.0; the same in 0.33.0.
    """
    even = _even(tensor)
    ranks = tensor * data
    if shape.experts is None or (data == 1 and not expert_parallel):
        return even
    if not expert_parallel:
        return replace(even, experts=ranks)
    return replace(
        even,
        experts=1,
        held_experts=_held(shape.experts.total, ranks, rank),
        shared=1 if tensor > 1 and data > 1 else tensor,
    )


def sglang_split(shape: Shape, tensor: int, expert: int, attention_data: int) -> Split:
    """What one rank of an SGLang server holds.

    Experts are divided whole over `expert` groups of ranks and cut within each. With data-parallel attention the
    groups of `tensor / attention_data` ranks each hold all of attention and of the embedding.
    sglang/srt/models/deepseek_v2.py, qwen2_moe.py and layers/moe/fused_moe_triton/layer.py of 0.5.23.
    """
    even = _even(tensor)
    if attention_data > 1:
        even = replace(even, attention=tensor // attention_data, embedding=tensor // attention_data)
    if shape.experts is None or expert == 1:
        return even
    return replace(even, experts=tensor // expert, held_experts=-(-shape.experts.total // expert))


@lru_cache(maxsize=64)
def _even(ranks: int) -> Split:
    return Split.even(ranks)


def _held(total: int, ranks: int, rank: int) -> int:
    """Whole experts on one rank, as evenly as can be."""
    return total // ranks + (1 if rank % ranks < total % ranks else 0)
