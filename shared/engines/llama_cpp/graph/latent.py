"""The tensors of one multi-head latent attention layer, in the order llama.cpp computes them.

models/deepseek2.cpp of llama.cpp at 0c1e57098, with the key projection absorbed into the query:
https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/models/deepseek2.cpp
"""

from dataclasses import replace

from shared.catalog.rows import LayerKind
from shared.engines.llama_cpp.graph.attention import attention_over_cache
from shared.engines.llama_cpp.graph.context import CacheInputs, GraphContext
from shared.engines.llama_cpp.graph.indexer import chosen_tokens, narrowed_mask
from shared.engines.llama_cpp.graph.tensor import GraphTensor, view
from shared.memory.tensor import Role
from shared.memory.tensors import layer_attention


def latent_attention(
    build: GraphContext,
    source: GraphTensor,
    cache: CacheInputs,
    positions: GraphTensor | None,
    indexer: CacheInputs | None = None,
) -> GraphTensor:
    """Compress, rotate, absorb, attend over the latent cache, and project every head's values back up.

    `indexer` is the cache of sparse attention's indexer, where the model has one.
    """
    shape, tokens = build.shape, source.shape[1]
    latent = shape.latent
    if latent is None:
        raise ValueError("a latent layer without its sizes; the catalog refuses such shapes")
    heads, rank, rope = layer_attention(shape, LayerKind.LATENT).heads, latent.kv_rank, latent.rope_head_dim
    head = latent.nope_head_dim + rope
    query = source
    if latent.query_rank:
        query = build.norm(build.multiply(query, latent.query_rank, Role.QUERY_DOWN), bias=False)
    chosen = None
    if indexer is not None:
        chosen = chosen_tokens(build, latent, source, query, indexer, positions)
    up_role = Role.QUERY_UP if latent.query_rank else Role.QUERY
    query = view(build.multiply(query, heads * head, up_role), (head, heads, tokens))
    compressed = build.multiply(source, rank + rope, Role.KV_DOWN)
    key_rope = view(compressed, (rope, 1, tokens), contiguous=False)
    if positions is not None:
        key_rope = GraphTensor(key_rope.shape, (key_rope, positions), inplace=True)
    latent_row = build.norm(view(compressed, (rank, tokens), contiguous=False), bias=False)
    query_nope = view(query, (latent.nope_head_dim, tokens, heads), contiguous=False)
    query_rope = view(query, (rope, heads, tokens), contiguous=False)
    if positions is not None:
        query_rope = GraphTensor(query_rope.shape, (query_rope, positions), inplace=True)
    absorbed = build.weighted((rank, tokens, heads), (query_nope,), Role.KV_UP_KEY)
    absorbed = view(absorbed, (rank, heads, tokens), contiguous=False)
    joined_query = GraphTensor((rank + rope, heads, tokens), (absorbed, query_rope))
    value = view(latent_row, (rank, 1, tokens))
    key = GraphTensor((rank + rope, 1, tokens), (value, key_rope))
    build.graph.expand(joined_query, value, key)
    build.graph.expand(build.write(view(key, (rank + rope, tokens)), cache.key_indices))
    stored = build.cached(cache, rank + rope, build.sizes.key_type)
    # values are the first part of the keys, and so the same copy, but converted apart
    values = build.cached(cache, rank, "f32") if build.sizes.key_type == "f32" else stored
    if chosen is not None:
        cache = replace(cache, mask=narrowed_mask(build, cache.mask, chosen))
    attended = attention_over_cache(
        build, joined_query, cache, rank, up_width=latent.value_head_dim, stored=(stored, values)
    )
    build.graph.expand(attended)
    return build.multiply(attended, shape.hidden_size, Role.ATTENTION_OUTPUT)
