"""The tensors of one attention layer, in the order llama.cpp computes them.

build_qkv, build_attn and build_attn_mha of llama-graph.cpp at 0c1e57098:
https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/llama-graph.cpp
"""

from shared.catalog.rows import Attention
from shared.engines.llama_cpp.graph.context import CacheInputs, GraphContext
from shared.engines.llama_cpp.graph.tensor import GraphTensor, view
from shared.memory.gguf_types import GGUF_TYPES
from shared.memory.tensor import Role

_PROJECTIONS = (Role.QUERY, Role.KEY, Role.VALUE)


def grouped_query_attention(
    build: GraphContext,
    source: GraphTensor,
    attention: Attention,
    cache: CacheInputs,
    positions: GraphTensor | None,
    *,
    kv_heads: int,
    fused: bool,
    own_cache: bool = True,
    keys_before_values: bool = False,
    temperature: GraphTensor | None = None,
    value_norm: bool = False,
) -> GraphTensor:
    """Projections, rotation, cache writes, attention and output projection; returns the layer's contribution.

    Args:
        build: The graph under construction.
        source: The normed residual.
        attention: The heads.
        cache: Inputs of the cache this layer uses.
        positions: None for layers without rotary positions.
        kv_heads: Of this layer.
        fused: Whether query, key and value are one matrix in the file.
        own_cache: False where the layer reads an earlier layer's cache.
        keys_before_values: The windowed variant of build_attn computes keys first.
        temperature: A factor for every token's query, in the place of norms (Llama 4's layers without rotation).
        value_norm: Whether values are normed, without weights.
    """
    query, key, value = _projections(build, source, attention, kv_heads, fused=fused, own_cache=own_cache)
    gate = query if attention.output_gate else None
    if value is not None and value_norm:
        value = GraphTensor(value.shape, (value,), inplace=not build.layer_norm)
    if temperature is not None:
        query = build.elementwise(query, temperature)
    else:
        query = _normed_and_rotated(build, query, attention, positions)
        key = None if key is None else _normed_and_rotated(build, key, attention, positions)
    attended = attend(
        build, query, key, value, cache, kv_heads=kv_heads, keys_before_values=keys_before_values
    )
    if gate is not None:  # the second half of every head's query
        opened = build.elementwise(GraphTensor(attended.shape, (gate,)))
        attended = build.elementwise(attended, opened)
    if attention.head_gate:  # one factor for every head (models/step35.cpp)
        opened = build.elementwise(build.multiply(source, attention.heads, Role.ATTENTION_GATE))
        attended = build.elementwise(attended, opened)
    projected = build.multiply(attended, build.shape.hidden_size, Role.ATTENTION_OUTPUT)
    return build.with_weight(projected) if attention.output_bias else projected


def attend(
    build: GraphContext,
    query: GraphTensor,
    key: GraphTensor | None,
    value: GraphTensor | None,
    cache: CacheInputs,
    *,
    kv_heads: int,
    keys_before_values: bool = False,
) -> GraphTensor:
    """Write keys and values to the cache and attend over it."""
    if cache.key_rotation is not None:
        query = rotated(query, cache.key_rotation)
        key = None if key is None else rotated(key, cache.key_rotation)
    if cache.value_rotation is not None and value is not None:
        value = rotated(value, cache.value_rotation)
    order = (key, value) if keys_before_values else (value, key)
    build.graph.expand(query, *(tensor for tensor in order if tensor is not None))
    if key is not None:
        build.graph.expand(build.write(_rows(key), cache.key_indices))
    if value is not None and cache.value_indices is not None:
        build.graph.expand(build.write(_value_rows(build, value), cache.value_indices))
    value_width = value.shape[0] if value is not None else query.shape[0]
    stored = (
        build.cached(cache, query.shape[0] * kv_heads, build.sizes.key_type),
        build.cached(cache, value_width * kv_heads, build.sizes.value_type),
    )
    attended = attention_over_cache(build, query, cache, value_width, stored=stored)
    build.graph.expand(attended)
    return attended if cache.value_rotation is None else rotated(attended, cache.value_rotation)


def attention_over_cache(
    build: GraphContext,
    query: GraphTensor,
    cache: CacheInputs,
    value_width: int,
    *,
    up_width: int = 0,
    stored: tuple[GraphTensor, GraphTensor],
) -> GraphTensor:
    """Softmax of query times keys, times values; with `up_width`, times MLA's value projection of every head.

    `stored` are keys and values in the cache. Returns (heads x width, tokens).
    """
    heads, tokens = query.shape[1], build.sizes.tokens
    streams = build.sizes.streams
    per_stream = tokens // streams
    split = view(query, (query.shape[0], per_stream, heads, streams), contiguous=False)
    width = up_width or value_width
    if build.sizes.flash_attention:
        attended = GraphTensor((value_width, heads, per_stream, streams), (split, *stored, cache.mask))
        if up_width:
            attended = build.weighted(
                (up_width, per_stream, heads, streams), (view(attended, attended.shape),), Role.KV_UP_VALUE
            )
            attended = GraphTensor((up_width, heads, per_stream, streams), (view(attended, attended.shape),))
        return view(attended, (heads * width, tokens))
    scores = GraphTensor((cache.cells, per_stream, heads, streams), (stored[0], split))
    if cache.grows:
        scores.per_cell(cache.cells)
    weights = GraphTensor(scores.shape, (scores, cache.mask), inplace=True)
    weights.bytes_per_cell = scores.bytes_per_cell
    attended = GraphTensor((value_width, per_stream, heads, streams), (stored[1], weights))
    if up_width:  # values are keys, so they lie the wrong way round and are copied first
        turned = GraphTensor(
            (cache.cells, value_width, 1, streams),
            (stored[1],),
            element_bytes=GGUF_TYPES[build.sizes.key_type].size_bytes,
        ).per_cell(cache.cells)
        attended.sources = (turned, weights)
        attended = build.weighted((up_width, per_stream, heads, streams), (attended,), Role.KV_UP_VALUE)
    return GraphTensor((heads * width, tokens), (view(attended, attended.shape, contiguous=False),))


def rotated(tensor: GraphTensor, rotation: GraphTensor) -> GraphTensor:
    """Times a Hadamard matrix, piece by piece (llama_mul_mat_hadamard), so that quantization loses less."""
    count = 1
    for extent in tensor.shape:
        count *= extent
    rows = rotation.shape[0]
    flat = (
        view(tensor, (rows, count // rows))
        if tensor.contiguous
        else GraphTensor((rows, count // rows), (tensor,))
    )
    return view(GraphTensor(flat.shape, (rotation, flat)), tensor.shape)


def _projections(
    build: GraphContext,
    source: GraphTensor,
    attention: Attention,
    kv_heads: int,
    *,
    fused: bool,
    own_cache: bool,
) -> tuple[GraphTensor, GraphTensor | None, GraphTensor | None]:
    """Query, key and value as (head size, heads, tokens)."""
    tokens, head = source.shape[1], attention.head_dim
    value_head = attention.value_head_dim or head
    sizes = ((head, attention.heads), (head, kv_heads), (value_head, kv_heads))
    if fused:
        joined = build.multiply(source, sum(width * heads for width, heads in sizes), Role.QUERY)
        if attention.qkv_bias:
            joined = build.with_weight(joined)
        return (
            view(joined, (head, attention.heads, tokens), contiguous=False),
            view(joined, (head, kv_heads, tokens), contiguous=False),
            view(joined, (value_head, kv_heads, tokens), contiguous=False),
        )
    projected: list[GraphTensor] = []
    own_matrices = 1 if not own_cache else 2 if attention.value_is_key else 3
    for index, (width, heads) in enumerate(sizes[:own_matrices]):
        doubled = 2 if attention.output_gate and index == 0 else 1
        matrix = build.multiply(source, doubled * width * heads, _PROJECTIONS[index])
        if attention.qkv_bias:
            matrix = build.with_weight(matrix)
        if attention.qk_norm == "full" and index < 2:
            matrix = build.norm(matrix, bias=False)
        projected.append(view(matrix, (width, heads, tokens), contiguous=doubled == 1))
    if not own_cache:
        return projected[0], None, None
    return projected[0], projected[1], projected[-1]  # the values are the keys where they have no matrix


def _normed_and_rotated(
    build: GraphContext, tensor: GraphTensor, attention: Attention, positions: GraphTensor | None
) -> GraphTensor:
    if attention.qk_norm == "head":
        tensor = build.norm(tensor, bias=False)
    return tensor if positions is None else GraphTensor(tensor.shape, (tensor, positions), inplace=True)


def _rows(tensor: GraphTensor) -> GraphTensor:
    width, heads, tokens = tensor.shape
    return view(tensor, (width * heads, tokens))


def _value_rows(build: GraphContext, value: GraphTensor) -> GraphTensor:
    """Values as rows of the cache; without flash attention they are written transposed, from contiguous memory."""
    width, heads, tokens = value.shape
    if build.sizes.flash_attention or value.contiguous:
        return view(value, (width * heads, tokens))
    return view(GraphTensor((width * heads, tokens), (value,)), (1, width * heads * tokens))
