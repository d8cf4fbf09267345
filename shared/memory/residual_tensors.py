"""The weight tensors of residual streams that a layer mixes, and of outputs of earlier blocks that it weighs."""

from typing import Final

from shared.catalog.rows import Shape
from shared.memory.tensor import Role, Tensor, matrix, vector

_SCALES: Final = 3


def stream_mixers(shape: Shape) -> tuple[Tensor, ...]:
    """What reads and writes the residual streams around attention and around the feed-forward of one layer.

    Manifold-constrained hyper-connections, arXiv 2512.24880, as DeepseekV4HyperConnection of transformers 5.23.
    """
    streams = shape.residual_streams
    if streams == 1:
        return ()
    mixed = (2 + streams) * streams
    one = (
        matrix(Role.STREAM_MIX, mixed, streams * shape.hidden_size),
        vector(Role.STREAM_MIX, mixed, bias=True),
        vector(Role.STREAM_SCALE, _SCALES),
    )
    return one * 2


def stream_head(shape: Shape) -> tuple[Tensor, ...]:
    """What makes one stream of all behind the last layer."""
    streams = shape.residual_streams
    if streams == 1:
        return ()
    return (
        matrix(Role.STREAM_MIX, streams, streams * shape.hidden_size),
        vector(Role.STREAM_MIX, streams, bias=True),
        vector(Role.STREAM_SCALE, 1),
    )


def earlier_blocks(shape: Shape, count: int) -> tuple[Tensor, ...]:
    """How the outputs of earlier blocks of layers are weighed (Kimi K3): a norm and one row of weights each time.

    self_attention_res_proj and mlp_res_proj of python/sglang/srt/models/kimi_k3.py of SGLang 0.5.23.
    """
    if not shape.residual_block:
        return ()
    one = (vector(Role.RESIDUAL_NORM, shape.hidden_size), vector(Role.RESIDUAL_QUERY, shape.hidden_size))
    return one * count
