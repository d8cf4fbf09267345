"""Sparse attention's indexer: it scores every cached token and lets attention see only the best (GLM-5).

models/glm-dsa.cpp and build_attn over llm_graph_input_attn_k_dsa of llama-graph.cpp at 0c1e57098, with the scores as
one fused operation: https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/models/glm-dsa.cpp
"""

from shared.catalog.rows import Latent
from shared.engines.llama_cpp.graph.context import CacheInputs, GraphContext
from shared.engines.llama_cpp.graph.tensor import F16, F32, I32, GraphTensor, view, written_into
from shared.memory.tensor import Role


def chosen_tokens(
    build: GraphContext,
    latent: Latent,
    source: GraphTensor,
    query: GraphTensor,
    cache: CacheInputs,
    positions: GraphTensor | None,
) -> GraphTensor:
    """Indices of the cached tokens each token may attend to. `query` is the compressed query."""
    heads, size, tokens, streams = (
        latent.indexer_heads,
        latent.indexer_head_dim,
        source.shape[1],
        build.sizes.streams,
    )
    asked = view(build.multiply(query, heads * size, Role.INDEXER_QUERY), (size, heads, tokens))
    asked = _rotated(asked, positions, cache)
    key = GraphTensor((size, tokens), (build.multiply(source, size, Role.INDEXER_KEY),))
    key = build.with_weight(build.with_weight(key))  # a layer norm's weights and biases
    key = _rotated(view(key, (size, 1, tokens)), positions, cache)
    build.graph.expand(build.write(view(key, (size, tokens)), cache.key_indices))
    weights = build.elementwise(view(build.multiply(source, heads, Role.INDEXER_WEIGHTS), (heads, tokens)))
    asked = view(asked, (size, heads, tokens // streams, streams))
    scores = GraphTensor((cache.cells, tokens // streams, 1, streams), (asked, weights, cache.mask))
    scores.per_cell(cache.cells)
    best = (min(cache.cells, latent.indexer_topk), tokens // streams, 1, streams)
    return GraphTensor(best, (GraphTensor(best, (scores,), element_bytes=I32),), element_bytes=I32)


def narrowed_mask(build: GraphContext, mask: GraphTensor, chosen: GraphTensor) -> GraphTensor:
    """The mask of the attention proper: it hides all that was not chosen."""
    hidden = GraphTensor(
        mask.shape, (mask,), element_bytes=F16 if build.sizes.flash_attention else F32, inplace=True
    ).per_cell(mask.shape[0])
    # every layer has one of these, placed before anything else; layers left out of the graph too
    leaves = [build.input((1, *chosen.shape), F32) for _ in range(1 + build.left_out)]
    for leaf in leaves:
        leaf.place, leaf.is_constant = build.place, True
    zeros = GraphTensor(leaves[0].shape, tuple(leaves), inplace=True)
    open_to = written_into(view(hidden, hidden.shape), zeros, view(chosen, chosen.shape))
    narrowed = GraphTensor(mask.shape, (view(open_to, mask.shape), mask), inplace=True)
    narrowed.size_bytes, narrowed.bytes_per_cell = hidden.size_bytes, hidden.bytes_per_cell
    return narrowed


def _rotated(tensor: GraphTensor, positions: GraphTensor | None, cache: CacheInputs) -> GraphTensor:
    """By position, then by the Hadamard matrix that the indexer always has."""
    if positions is not None:
        tensor = GraphTensor(tensor.shape, (tensor, positions), inplace=True)
    return tensor if cache.key_rotation is None else GraphTensor(tensor.shape, (cache.key_rotation, tensor))
