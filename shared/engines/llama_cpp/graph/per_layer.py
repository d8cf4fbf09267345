"""Per-layer embeddings: a small embedding of every token for every layer, mixed in at the layer's end (Gemma 4).

build_inp_per_layer and project_per_layer_inputs of models/gemma4.cpp at 0c1e57098:
https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/models/gemma4.cpp
"""

from shared.engines.llama_cpp.graph.context import GraphContext
from shared.engines.llama_cpp.graph.tensor import HOST, I32, GraphTensor, view
from shared.memory.tensor import Role


def looked_up(build: GraphContext, *, scaled: bool) -> GraphTensor:
    """The embeddings of all layers for every token, from the host's table; `scaled` as part of looking them up."""
    size, layers, tokens = build.shape.per_layer_embedding_size, build.shape.layers, build.sizes.tokens
    rows = GraphTensor((size * layers, tokens), (build.input((tokens,), I32),), home=HOST)
    if scaled:
        rows = build.elementwise(view(rows, (size, layers, tokens)))
    build.graph.expand(rows)
    return rows


def projected(build: GraphContext, embedding: GraphTensor, rows: GraphTensor) -> GraphTensor:
    """(size, tokens, layers): the looked-up embeddings joined with a projection of the token's own."""
    size, layers, tokens = build.shape.per_layer_embedding_size, build.shape.layers, build.sizes.tokens
    projection = build.elementwise(build.multiply(embedding, size * layers, Role.PER_LAYER_MODEL_PROJECTION))
    normed = build.norm(view(projection, (size, layers, tokens)), bias=False)
    joined = build.elementwise(build.elementwise(normed, view(rows, (size, layers, tokens))))
    return GraphTensor((size, tokens, layers), (view(joined, (size, tokens, layers), contiguous=False),))


def mixed_in(
    build: GraphContext, residual: GraphTensor, per_layer: GraphTensor, out_ids: GraphTensor | None
) -> GraphTensor:
    """The residual with this layer's own embedding gated in."""
    size, hidden = build.shape.per_layer_embedding_size, build.shape.hidden_size
    gate = build.elementwise(build.multiply(residual, size, Role.PER_LAYER_GATE))
    own = view(per_layer, (size, build.sizes.tokens))
    if out_ids is not None:
        own = build.rows_of(own, out_ids, build.sizes.outputs)
    said = build.multiply(build.elementwise(gate, own), hidden, Role.PER_LAYER_PROJECTION)
    return build.elementwise(residual, build.norm(said))
