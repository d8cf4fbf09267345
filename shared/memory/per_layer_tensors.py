"""The weight tensors by which a layer mixes its own small embedding in."""

from shared.catalog.rows import Shape
from shared.memory.side_path_tensors import layer_side_paths
from shared.memory.tensor import Role, Tensor, matrix, vector


def per_layer_inputs(shape: Shape) -> tuple[Tensor, ...]:
    """How a layer mixes its own small embedding in (Gemma 3n, Gemma 4), and Gemma 3n's paths beside it."""
    size, hidden = shape.per_layer_embedding_size, shape.hidden_size
    if not size:
        return ()
    return (
        matrix(Role.PER_LAYER_GATE, size, hidden),
        matrix(Role.PER_LAYER_PROJECTION, hidden, size),
        vector(Role.NORM, hidden),
        *layer_side_paths(shape),
    )
