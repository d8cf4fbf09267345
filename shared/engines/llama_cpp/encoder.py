"""Compute buffers of encoders (BERT and its kin): one batch, no cache, no head."""

from typing import Final

from shared.catalog.rows import Shape
from shared.engines.llama_cpp.place import Placement
from shared.engines.llama_cpp.settings import Settings
from shared.memory.placement import HOST

_NUMBER: Final = 4
_INPUT_BYTES: Final = 24  # ids, positions, rows and sequences of one token


def encoder_compute_bytes(shape: Shape, settings: Settings, placed: Placement) -> dict[int, int]:
    """Bytes of the compute buffer of each place.

    The wider of attention (input, queries, keys, values, output) and feed-forward, beside the mask of every token
    against every other; on the host the embeddings that are added up, and the mask. src/models/bert.cpp at 0c1e57098;
    within a thousandth of what its own fit tool allocates for BERT's and Nomic's shapes.
    """
    tokens, hidden = settings.tokens, shape.hidden_size
    mask = tokens * tokens * (2 if settings.flash_attention else _NUMBER)
    scores = 0
    if shape.attention is not None and not settings.flash_attention:
        scores = shape.attention.heads * tokens * tokens * _NUMBER
    fed = 3 * shape.ffn_size + 4 * hidden if shape.ffn_gated else shape.ffn_size + 2 * hidden
    layers = max(5 * hidden * tokens * _NUMBER + scores, fed * tokens * _NUMBER) + mask
    embedded = (
        tokens * hidden * _NUMBER * (5 if shape.learned_positions else 4) + mask + tokens * _INPUT_BYTES
    )
    held = {part.place: layers for part in placed.ranges}
    held[HOST] = held.get(HOST, 0) + embedded
    return held
