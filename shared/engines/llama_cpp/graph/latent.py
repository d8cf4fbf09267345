"""The tensors of one multi-head latent attention layer, in the order llama.cpp computes them.

models/deepseek2.cpp of llama.cpp at 0c1e57098, with the key projection absorbed into the query:
https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/models/deepseek2.cpp
"""

from shared.engines.llama_cpp.graph.attention import attention_over_cache
from shared.engines.llama_cpp.graph.context import CacheInputs, GraphContext
from shared.engines.llama_cpp.graph.tensor import GraphTensor, view


def latent_attention(
    build: GraphContext, source: GraphTensor, cache: CacheInputs, positions: GraphTensor
) -> GraphTensor:
    """Compress, rotate, absorb, attend over the latent cache, and project every head's values back up."""
    shape, tokens = build.shape, source.shape[1]
    latent, attention = shape.latent, shape.attention
    assert latent is not None
    assert attention is not None
    heads, rank, rope = attention.heads, latent.kv_rank, latent.rope_head_dim
    head = latent.nope_head_dim + rope
    query = source
    if latent.query_rank:
        query = build.norm(build.multiply(query, latent.query_rank), bias=False)
    query = view(build.multiply(query, heads * head), (head, heads, tokens))
    compressed = build.multiply(source, rank + rope)
    key_rope = view(compressed, (rope, 1, tokens), contiguous=False)
    key_rope = GraphTensor(key_rope.shape, (key_rope, positions), inplace=True)
    latent_row = build.norm(view(compressed, (rank, tokens), contiguous=False), bias=False)
    query_nope = view(query, (latent.nope_head_dim, tokens, heads), contiguous=False)
    query_rope = view(query, (rope, heads, tokens), contiguous=False)
    query_rope = GraphTensor(query_rope.shape, (query_rope, positions), inplace=True)
    absorbed = GraphTensor((rank, tokens, heads), (query_nope,), home=build.place)
    absorbed = view(absorbed, (rank, heads, tokens), contiguous=False)
    joined_query = GraphTensor((rank + rope, heads, tokens), (absorbed, query_rope))
    value = view(latent_row, (rank, 1, tokens))
    key = GraphTensor((rank + rope, 1, tokens), (value, key_rope))
    build.graph.expand(joined_query, value, key)
    build.graph.expand(build.write(view(key, (rank + rope, tokens)), cache.key_indices))
    attended = attention_over_cache(build, joined_query, cache, rank, up_width=latent.value_head_dim)
    build.graph.expand(attended)
    return build.multiply(attended, shape.hidden_size)
