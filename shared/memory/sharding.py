"""What one rank of a tensor-parallel server holds of each layer, as the servers fuse and split the matrices."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.catalog.rows import LayerKind, Shape
from shared.memory.checkpoint import EXPERTS, Scheme
from shared.memory.split import Split
from shared.memory.tensor import Role, Tensor
from shared.memory.tensors import LayerGroup, inventory
from shared.units import MIB, ceil_div, pad

VOCABULARY_PADDING: Final = (
    64  # DEFAULT_VOCAB_PADDING_SIZE of vLLM's and SGLang's vocab_parallel_embedding.py
)

# Split over the rows (outputs): column-parallel layers.
_ROWS: Final = frozenset(
    {
        Role.QUERY,
        Role.QUERY_UP,
        Role.OUTPUT_DOWN,
        Role.FFN_GATE,
        Role.FFN_UP,
        Role.EXPERT_GATE,
        Role.EXPERT_UP,
        Role.SHARED_EXPERT_GATE,
        Role.SHARED_EXPERT_UP,
        Role.STATE_IN,
        Role.STATE_GATE,
        Role.STATE_BETA,
        Role.STATE_CONVOLUTION,
        Role.STATE_DECAY,
        Role.LOW_RANK_UP,
    }
)
# Split over the columns (inputs): row-parallel layers.
_COLUMNS: Final = frozenset(
    {
        Role.ATTENTION_OUTPUT,
        Role.FFN_DOWN,
        Role.EXPERT_DOWN,
        Role.SHARED_EXPERT_DOWN,
        Role.STATE_OUT,
        Role.STATE_SELECT,
    }
)
# Split over the heads stored as separate matrices.
_MATRICES: Final = frozenset({Role.KV_UP_KEY, Role.KV_UP_VALUE})

_DENSE: Final = frozenset({Role.FFN_GATE, Role.FFN_UP, Role.FFN_DOWN})
_SHARED: Final = frozenset({Role.SHARED_EXPERT_GATE, Role.SHARED_EXPERT_UP, Role.SHARED_EXPERT_DOWN})

# Matrices the servers keep as one parameter.
_FUSED: Final = {
    Role.KEY: Role.QUERY,
    Role.VALUE: Role.QUERY,
    Role.FFN_UP: Role.FFN_GATE,
    Role.EXPERT_UP: Role.EXPERT_GATE,
    Role.SHARED_EXPERT_UP: Role.SHARED_EXPERT_GATE,
    Role.KV_DOWN: Role.QUERY_DOWN,
    Role.KV_UP_VALUE: Role.KV_UP_KEY,
    Role.STATE_GATE: Role.STATE_IN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RankWeights:
    """Weights one rank holds: of each layer, of the embedding, of the head, and of what surrounds the layers.

    `layers` follows the model's order. `output_bytes` is what the head takes where it is not the embedding itself.
    """

    layers: tuple[int, ...]
    embedding_bytes: int
    output_bytes: int
    rest_bytes: int


@lru_cache(maxsize=8192)
def rank_weights(
    shape: Shape, stored: Scheme, split: Split, expert_padding: tuple[int, int] = (1, 1)
) -> RankWeights:
    """The weights one rank of a server holds.

    Args:
        shape: The model's shape.
        stored: How its matrices are stored.
        split: How many ranks each part is cut over; must divide it.
        expert_padding: Multiples the experts' hidden and intermediate sizes are padded to on a rank.
    """
    tensors = inventory(shape)
    per_layer = [0] * shape.layers
    for group in tensors.groups:
        size = _layer_bytes(group, stored, split, expert_padding)
        for layer in group.layers:
            per_layer[layer] = size
    vocabulary = pad(shape.vocabulary_size, VOCABULARY_PADDING)
    embedding_rows, head_rows = ceil_div(vocabulary, split.embedding), ceil_div(vocabulary, split.head)
    embedding = allocated_bytes(embedding_rows * shape.hidden_size * stored.plain_bytes)
    rest = 0
    for tensor in tensors.model:
        if tensor.role is Role.PER_LAYER_EMBEDDING:
            rest += ceil_div(tensor.parameters * stored.plain_bytes, split.embedding)
        elif tensor.role not in (Role.TOKEN_EMBEDDING, Role.OUTPUT):
            rest += tensor.parameters * stored.plain_bytes
    output = allocated_bytes(head_rows * shape.hidden_size * stored.plain_bytes)
    if stored.quantizes(Role.OUTPUT, vector=False):
        output = stored.quantized_bytes(head_rows, shape.hidden_size, 1)
    return RankWeights(
        layers=tuple(per_layer), embedding_bytes=embedding, output_bytes=output, rest_bytes=rest
    )


def allocated_bytes(size_bytes: int) -> int:
    """What PyTorch's caching allocator counts for one tensor.

    Tensors of 10 MiB and more lie in segments of whole 2 MiB; a rest of at most 1 MiB is not split off and counts as
    part of the tensor (c10/cuda/CUDACachingAllocator.cpp, `get_allocation_size` and `should_split`).
    """
    if size_bytes < 10 * MIB:
        return pad(size_bytes, 512)
    segment = pad(size_bytes, 2 * MIB)
    return segment if segment - size_bytes <= MIB else pad(size_bytes, 512)


def pipeline_layers(layers: int, stages: int) -> tuple[range, ...]:
    """The layers of each pipeline stage: as even as can be, the rest going to the stages before the last.

    https://github.com/vllm-project/vllm/blob/v0.19.0/vllm/distributed/utils.py (`get_pp_indices`)
    """
    sizes = [layers // stages] * stages
    for extra in range(layers % stages):
        sizes[-(extra + 2)] += 1
    starts = [sum(sizes[:stage]) for stage in range(stages)]
    return tuple(range(start, start + size) for start, size in zip(starts, sizes, strict=True))


def tensors_bytes(
    tensors: Sequence[Tensor],
    kv_heads: int,
    stored: Scheme,
    split: Split,
    expert_padding: tuple[int, int] = (1, 1),
) -> int:
    """Bytes of these tensors on one rank, fused parameter by fused parameter; `kv_heads` is 0 for recurrent layers."""
    parameters: dict[tuple[Role, bool], int] = {}
    for tensor in tensors:
        key = (_FUSED.get(tensor.role, tensor.role), tensor.bias)
        size = _shard_bytes(tensor, kv_heads, stored, split, expert_padding)
        parameters[key] = parameters.get(key, 0) + size
    return sum(allocated_bytes(size) for size in parameters.values())


def cut_ranks(role: Role, split: Split) -> int:
    """How many ranks a matrix of this role is cut over."""
    if role in EXPERTS:
        return split.experts
    if role in _SHARED:
        return split.shared
    return split.dense if role in _DENSE else split.attention


def shard_shape(tensor: Tensor, kv_heads: int, split: Split) -> tuple[int, int, int]:
    """Rows, columns and matrices of one rank's part of a matrix."""
    rows, columns, matrices = tensor.rows, tensor.columns, tensor.matrices
    ranks = cut_ranks(tensor.role, split)
    if tensor.role in EXPERTS and split.held_experts is not None:
        matrices = split.held_experts
    if tensor.role in (Role.KEY, Role.VALUE) and kv_heads:
        # a rank holds at least one whole key-value head
        rows = rows // kv_heads * max(1, kv_heads // ranks)
    elif tensor.role in _ROWS or tensor.role in (Role.KEY, Role.VALUE):
        rows = ceil_div(rows, ranks)
    elif tensor.role in _COLUMNS:
        columns = ceil_div(columns, ranks)
    elif tensor.role in _MATRICES:
        matrices = ceil_div(matrices, ranks)
    return rows, columns, matrices


def _shard_bytes(
    tensor: Tensor, kv_heads: int, stored: Scheme, split: Split, expert_padding: tuple[int, int]
) -> int:
    """Bytes of one rank's part of a tensor."""
    if tensor.bias or tensor.is_vector:
        numbers = tensor.parameters
        if tensor.role in EXPERTS and split.held_experts is not None:
            numbers = numbers // tensor.rows * split.held_experts  # one row per expert
        is_cut = tensor.role in _ROWS or tensor.role in (Role.KEY, Role.VALUE, Role.SINKS)
        return ceil_div(numbers, cut_ranks(tensor.role, split) if is_cut else 1) * stored.plain_bytes
    rows, columns, matrices = shard_shape(tensor, kv_heads, split)
    if tensor.role in (Role.EXPERT_GATE, Role.EXPERT_UP):
        rows, columns = pad(rows, expert_padding[1]), pad(columns, expert_padding[0])
    elif tensor.role is Role.EXPERT_DOWN:
        rows, columns = pad(rows, expert_padding[0]), pad(columns, expert_padding[1])
    if stored.quantizes(tensor.role, vector=False):
        return stored.quantized_bytes(rows, columns, matrices)
    return rows * columns * matrices * stored.plain_bytes


def _layer_bytes(group: LayerGroup, stored: Scheme, split: Split, expert_padding: tuple[int, int]) -> int:
    """Bytes of one layer on one rank."""
    kv_heads = 0 if group.kind is LayerKind.RECURRENT else group.kv_heads
    return tensors_bytes(group.tensors, kv_heads, stored, split, expert_padding)
