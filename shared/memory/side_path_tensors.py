"""The weight tensors beside the layers of Gemma 3n: AltUp's four streams, and LAuReL's narrow detour."""

from typing import Final

from shared.catalog.rows import Shape
from shared.memory.tensor import Role, Tensor, matrix, vector

STREAMS: Final = 4  # altup_num_inputs
DETOUR_RANK: Final = 64  # laurel_rank
SPARSE_LAYERS: Final = 10  # the first layers' gates keep the largest of their numbers only


def has_side_paths(shape: Shape) -> bool:
    """Whether this is Gemma 3n, all of whose models have the same streams and rank.

    n_altup, laurel_rank and n_layer_sparsity of llama.cpp:
    https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/llama-hparams.h
    """
    return shape.architecture in ("gemma3n", "gemma3n_text")


def layer_side_paths(shape: Shape) -> tuple[Tensor, ...]:
    """Of one layer: how streams are predicted and corrected, and the detour beside attention.

    https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/models/gemma3n.cpp
    """
    if not has_side_paths(shape):
        return ()
    hidden = shape.hidden_size
    return (
        matrix(Role.STREAM_CORRECT, STREAMS, STREAMS),
        vector(Role.STREAM_CORRECT_SCALE, hidden),
        matrix(Role.STREAM_PREDICT, STREAMS * STREAMS, STREAMS),
        matrix(Role.STREAM_ROUTER, STREAMS, hidden),
        vector(Role.STREAM_ROUTER_NORM, hidden),
        matrix(Role.DETOUR_DOWN, DETOUR_RANK, hidden),
        matrix(Role.DETOUR_UP, hidden, DETOUR_RANK),
        vector(Role.DETOUR_NORM, hidden),
    )


def model_side_paths(shape: Shape) -> tuple[Tensor, ...]:
    """What makes the further streams of the embedding, and one of all behind the last layer."""
    if not has_side_paths(shape):
        return ()
    hidden = shape.hidden_size
    return (
        matrix(Role.STREAM_PROJECTION, hidden, hidden, matrices=STREAMS - 1),
        matrix(Role.STREAM_JOIN, hidden, hidden, matrices=STREAMS - 1),
    )
