"""How recurrent layers read and write their states: gathered from the cache for the batch, written back after.

build_rs of llama-graph.cpp at 0c1e57098 (0.5) and as it became in 0.6:
https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/llama-graph.cpp
"""

from collections.abc import Callable
from dataclasses import dataclass

from shared.engines.llama_cpp.graph.context import GraphContext
from shared.engines.llama_cpp.graph.tensor import F32, I32, GraphTensor, view


@dataclass(slots=True)
class StateInputs:
    """The rows of the states: of the batch's sequences, and those after it."""

    rows: GraphTensor
    batch_rows: GraphTensor
    later_rows: GraphTensor


def state_inputs(build: GraphContext) -> StateInputs:
    """One index per sequence."""
    rows = build.input((build.sizes.sequences,), I32)
    later = build.sizes.sequences - 1 if build.sizes.mixed_inputs else 0  # 0.5: none beyond the batch's own
    return StateInputs(rows, view(rows, (build.sizes.sequences,)), view(rows, (later,)))


def gathered(
    build: GraphContext,
    inputs: StateInputs,
    width: int,
    read: Callable[[GraphTensor], GraphTensor] | None = None,
) -> GraphTensor:
    """The states of the batch, (width, sequences), as one gather; or what `read` makes of their indices.

    Args:
        build: The graph under construction.
        inputs: The indices.
        width: Numbers in one state.
        read: Builds an operation that reads the cache itself (the scan), given the indices.
    """
    sequences = build.sizes.sequences
    build.graph.expand(build.in_cache())  # a fresh sequence's state is cleared first
    if build.sizes.mixed_inputs:
        index, count = (inputs.later_rows, sequences - 1) if read else (inputs.rows, sequences)
        everything = GraphTensor((width, count), (index,), element_bytes=F32)
        states = read(inputs.batch_rows) if read else view(everything, (width, sequences))
        build.graph.expand(states)
        build.graph.expand(build.in_cache(view(everything, (width, 0))))
        return states
    states = read(inputs.batch_rows) if read else GraphTensor((width, sequences), (inputs.batch_rows,))
    build.graph.expand(states)
    extra = GraphTensor((width, 0), (inputs.later_rows,))
    build.graph.expand(build.in_cache(extra))
    return states


def written_back(build: GraphContext, states: GraphTensor) -> None:
    """Copy new states into the cache."""
    build.graph.expand(build.in_cache(view(states, states.shape)))


def convolution_input(
    build: GraphContext,
    inputs: StateInputs,
    mixed: GraphTensor,
    channels: int,
    kernel: int,
    *,
    width: int = 0,
) -> GraphTensor:
    """The last inputs of the convolution before this batch's, (kernel - 1 + tokens, channels, sequences).

    `width` is of the whole stored history where it holds more than these channels.
    """
    sequences = build.sizes.sequences
    history = gathered(build, inputs, width or (kernel - 1) * channels)
    return joined_history(build, history, mixed, channels, kernel, sequences)


def joined_history(
    build: GraphContext, history: GraphTensor, mixed: GraphTensor, channels: int, kernel: int, sequences: int
) -> GraphTensor:
    """History and new inputs as one tensor; its end is the next history."""
    per_sequence = build.sizes.tokens // sequences
    joined = GraphTensor(
        (kernel - 1 + per_sequence, channels, sequences),
        (view(history, (kernel - 1, channels, sequences)), view(mixed, mixed.shape, contiguous=False)),
    )
    written_back(build, joined)
    return joined
