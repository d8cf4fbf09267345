"""How large LoRA adapters are: two thin matrices beside every matrix they adapt."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal

from shared.catalog.rows import LayerKind, Shape
from shared.memory.checkpoint import ATTENTION, EXPERTS, LINEAR
from shared.memory.sharding import shard_shape
from shared.memory.split import Split
from shared.memory.tensor import Role, Tensor
from shared.memory.tensors import inventory

Targets = Literal["all-linear", "attention"]

_ROLES: Final = {"all-linear": LINEAR, "attention": ATTENTION}


@lru_cache(maxsize=8192)
def numbers_per_rank(shape: Shape, layers: Sequence[int], split: Split, targets: Targets) -> int:
    """Numbers of one adapter of rank 1 in these layers, as one rank of a server holds them.

    W + B A with A of rank x inputs and B of outputs x rank (arXiv 2106.09685). A server cuts the outputs of B where
    the matrix is cut by rows and the inputs of A where it is cut by columns; the other half is whole on every rank.
    """
    return _numbers(shape, layers, split, _ROLES[targets])


@lru_cache(maxsize=8192)
def expert_numbers(shape: Shape, layers: Sequence[int], split: Split) -> int:
    """The routed experts' part of `numbers_per_rank`."""
    return _numbers(shape, layers, split, EXPERTS)


def numbers_without_experts(shape: Shape, layers: Sequence[int], targets: Targets) -> int:
    """`numbers_per_rank` on one rank of an engine that fuses its routed experts: they are no linear modules there."""
    whole = Split.even(1)
    numbers = numbers_per_rank(shape, layers, whole, targets)
    return numbers - expert_numbers(shape, layers, whole) if targets == "all-linear" else numbers


def _numbers(shape: Shape, layers: Sequence[int], split: Split, roles: frozenset[Role]) -> int:
    wanted = set(layers)
    total = 0
    for group in inventory(shape).groups:
        kv_heads = 0 if group.kind is LayerKind.RECURRENT else group.kv_heads
        one = sum(
            _pair(tensor, kv_heads, split)
            for tensor in group.tensors
            if tensor.role in roles and not (tensor.is_vector or tensor.bias)
        )
        total += one * len(wanted.intersection(group.layers))
    return total


def _pair(tensor: Tensor, kv_heads: int, split: Split) -> int:
    """Inputs and outputs of a matrix on one rank, over all its experts."""
    rows, columns, matrices = shard_shape(tensor, kv_heads, split)
    match tensor.role:
        case Role.KV_UP_KEY:  # stored transposed; one matrix with the values' in the checkpoint
            return rows + matrices * columns
        case Role.KV_UP_VALUE:
            return matrices * rows
        case _:
            return (rows + columns) * matrices
