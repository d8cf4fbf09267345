"""Gemma 3n's graph: four streams that every layer predicts and corrects (AltUp), a narrow detour beside attention.

models/gemma3n.cpp of llama.cpp at 0c1e57098:
https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/models/gemma3n.cpp
"""

from collections.abc import Callable

from shared.engines.llama_cpp.graph.context import GraphContext
from shared.engines.llama_cpp.graph.tensor import GraphTensor, view
from shared.memory.side_path_tensors import DETOUR_RANK, SPARSE_LAYERS, STREAMS
from shared.memory.tensor import Role


def spread_out(build: GraphContext, residual: GraphTensor) -> GraphTensor:
    """The embedding as four streams, (hidden, tokens, streams); `place` is the output layer's."""
    target = _magnitude(build, residual)
    repeated = GraphTensor((*residual.shape, STREAMS - 1), (residual,))
    added = build.weighted(repeated.shape, (repeated,), Role.STREAM_PROJECTION)
    scaled = _rescaled(build, added, target)
    return GraphTensor((*residual.shape, STREAMS), (residual, scaled))


def one_stream(build: GraphContext, streams: GraphTensor) -> GraphTensor:
    """One stream of all, their mean; `place` is the output layer's."""
    hidden, tokens, _ = streams.shape
    target = _magnitude(build, view(streams, (hidden, tokens)))
    others = view(streams, (hidden, tokens, STREAMS - 1))
    back = _rescaled(build, build.weighted(others.shape, (others,), Role.STREAM_JOIN), target)
    total = view(streams, (hidden, tokens))
    for _ in range(STREAMS - 1):
        total = build.elementwise(total, view(back, (hidden, tokens)))
    return build.elementwise(total)


def side_path_layer(
    build: GraphContext,
    streams: GraphTensor,
    per_layer: GraphTensor,
    index: int,
    attention: Callable[[GraphTensor], GraphTensor],
    ffn_size: int,
) -> GraphTensor:
    """One layer over all streams; `attention` is of the normed active one."""
    hidden, tokens, _ = streams.shape
    predictions = _predicted(build, streams)
    active = view(predictions, (hidden, tokens))
    normed = build.norm(active)
    detour = build.multiply(normed, DETOUR_RANK, Role.DETOUR_DOWN)
    detour = build.norm(build.multiply(detour, hidden, Role.DETOUR_UP))
    detour = build.elementwise(detour, normed)
    attended = build.elementwise(build.norm(attention(normed)), active)
    attended = build.elementwise(build.elementwise(attended, detour))
    fed = _feed_forward(build, build.norm(attended), ffn_size, sparse=index < SPARSE_LAYERS)
    activated = build.elementwise(build.norm(fed), attended)
    corrected = _corrected(build, predictions, activated)
    first = build.with_weight(view(corrected, (hidden, tokens)))
    size = build.shape.per_layer_embedding_size
    first = build.elementwise(build.multiply(first, size, Role.PER_LAYER_GATE))
    first = build.elementwise(first, view(per_layer, (size, tokens)))
    first = build.norm(build.multiply(first, hidden, Role.PER_LAYER_PROJECTION))
    kept = view(corrected, (hidden, tokens))
    others = build.elementwise(view(corrected, (hidden, tokens, STREAMS - 1)), first)
    return GraphTensor(streams.shape, (kept, others))


def _magnitude(build: GraphContext, source: GraphTensor) -> GraphTensor:
    squared = build.elementwise(source)
    return build.elementwise(GraphTensor((1, *source.shape[1:]), (squared,)))


def _rescaled(build: GraphContext, source: GraphTensor, target: GraphTensor) -> GraphTensor:
    """As long as `target` says."""
    length = _magnitude(build, source)
    return build.elementwise(build.elementwise(source, target), length)


def _modalities(build: GraphContext, source: GraphTensor) -> GraphTensor:
    """How much of every stream."""
    normed = build.elementwise(build.norm(source))
    return build.elementwise(build.multiply(normed, STREAMS, Role.STREAM_ROUTER))


def _predicted(build: GraphContext, streams: GraphTensor) -> GraphTensor:
    hidden, tokens, _ = streams.shape
    modalities = _modalities(build, view(streams, (hidden, tokens)))
    coefficients = build.multiply(modalities, STREAMS * STREAMS, Role.STREAM_PREDICT)
    turned = GraphTensor((STREAMS, hidden, tokens), (view(streams, streams.shape, contiguous=False),))
    said = GraphTensor((hidden, STREAMS, tokens), (turned, view(coefficients, (STREAMS, STREAMS, tokens))))
    back = GraphTensor(streams.shape, (view(said, streams.shape, contiguous=False),))
    return build.elementwise(back, streams)


def _corrected(build: GraphContext, predictions: GraphTensor, activated: GraphTensor) -> GraphTensor:
    hidden, tokens, _ = predictions.shape
    modalities = _modalities(build, activated)
    innovation = build.elementwise(activated, view(predictions, (hidden, tokens)))
    coefficients = build.elementwise(build.multiply(modalities, STREAMS, Role.STREAM_CORRECT))
    turned = view(coefficients, (tokens, STREAMS), contiguous=False)
    coefficients = GraphTensor((1, tokens, STREAMS), (turned,))
    repeated = GraphTensor(predictions.shape, (innovation,))
    return build.elementwise(build.elementwise(repeated, coefficients), predictions)


def _feed_forward(build: GraphContext, source: GraphTensor, ffn_size: int, *, sparse: bool) -> GraphTensor:
    up = build.multiply(source, ffn_size, Role.FFN_UP)
    gate = build.multiply(source, ffn_size, Role.FFN_GATE)
    gate = build.elementwise(_largest(build, gate) if sparse else gate)
    return build.multiply(build.elementwise(up, gate), build.shape.hidden_size, Role.FFN_DOWN)


def _largest(build: GraphContext, gate: GraphTensor) -> GraphTensor:
    """What exceeds the mean by enough deviations."""
    row = (1, gate.shape[1])
    mean = GraphTensor(row, (gate,))
    squared = build.elementwise(build.elementwise(gate, mean))
    deviation = build.elementwise(build.elementwise(GraphTensor(row, (squared,))))
    cutoff = build.elementwise(mean, build.elementwise(deviation))
    return build.elementwise(build.elementwise(gate, cutoff))
