"""The inputs of a model's graph: embeddings, positions and what each kind of cache is read and written by.

build_inp_embd and build_attn_inp_* of llama-graph.cpp at 0c1e57098 (0.6 for mixed inputs):
https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/llama-graph.cpp
"""

from dataclasses import dataclass
from typing import Final

from shared.catalog.rows import Attention, LayerKind, Shape
from shared.engines.llama_cpp.graph.context import CacheInputs, GraphContext
from shared.engines.llama_cpp.graph.state import StateInputs, state_inputs
from shared.engines.llama_cpp.graph.tensor import F32, HOST, I32, I64, GraphTensor, written_into
from shared.engines.llama_cpp.graph.traits import Traits
from shared.memory.gguf_types import UNQUANTIZED
from shared.memory.tensors import kv_heads, layer_attention

_ROTATION: Final = 64  # rows of the smallest rotation, and of the one values get


@dataclass(slots=True)
class Inputs:
    """What every layer may read: positions, query factors by position, and each kind of cache the model has."""

    positions: GraphTensor
    temperature: GraphTensor | None = None
    per_layer: GraphTensor | None = None
    full: CacheInputs | None = None
    indexer: CacheInputs | None = None
    window: CacheInputs | None = None
    states: StateInputs | None = None


def embedding(build: GraphContext, trait: Traits, *, first_place: int) -> GraphTensor:
    """Look the tokens up on the host; since 0.6 a batch may mix tokens with ready-made embeddings."""
    sizes, hidden, graph = build.sizes, build.shape.hidden_size, build.graph
    tokens = sizes.tokens
    build.place = HOST
    looked_up = GraphTensor((hidden, tokens), (build.input((tokens,), I32),), home=HOST)
    graph.expand(looked_up)
    given = build.input((hidden, tokens), F32)
    if sizes.mixed_inputs:
        mixed = GraphTensor((hidden, tokens), (build.input((tokens,), I32),), home=HOST)
        graph.expand(mixed)
        graph.expand(given)
        copied = GraphTensor((hidden, tokens), (build.input((hidden, tokens), F32),))
        slots = build.input((tokens,), I64)
        graph.expand(written_into(copied, mixed, slots))
    else:
        graph.expand(given)
    build.place = first_place
    if trait.scaled_embedding:
        if sizes.mixed_inputs and trait.scaled_embedding == "rows":
            looked_up = build.elementwise(looked_up, build.input((1, tokens), F32))
            graph.expand(looked_up)
        else:
            looked_up = build.elementwise(looked_up)
            if trait.scaled_embedding == "constant":
                graph.expand(looked_up)
    return looked_up


def layer_inputs(build: GraphContext, trait: Traits) -> Inputs:
    """The inputs that layers share, in the order llama.cpp makes them."""
    shape = build.shape
    kinds = shape.layer_kinds()
    widest = max(
        (
            kv_heads(shape, kind, layer) * _value_width(shape, kind)
            for layer, kind in enumerate(kinds)
            if kind not in (LayerKind.RECURRENT, LayerKind.NONE)
        ),
        default=0,
    )
    inputs = Inputs(build.positions(4 if trait.sections else 1))
    if trait.temperature:
        inputs.temperature = build.input((1, 1, build.sizes.tokens), F32)
    if LayerKind.RECURRENT in kinds or LayerKind.PARALLEL in kinds:
        inputs.states = state_inputs(build)
    if LayerKind.LATENT in kinds:
        inputs.full = build.cache_inputs(window=False, values=0, latent=True)
        if shape.latent is not None and shape.latent.indexer_heads:
            rotation = (_largest_rotation(shape.latent.indexer_head_dim), 0)
            inputs.indexer = build.cache_inputs(
                window=False, values=0, rotations=rotation, latent=True, half_mask=True
            )
        return inputs
    if any(kind in (LayerKind.FULL, LayerKind.PARALLEL) for kind in kinds):
        rotations = _rotations(build, layer_attention(shape, LayerKind.FULL))
        inputs.full = build.cache_inputs(window=False, values=widest, rotations=rotations)
    if any(kind in (LayerKind.WINDOW, LayerKind.CHUNKED) for kind in kinds):
        rotations = _rotations(build, layer_attention(shape, LayerKind.WINDOW))
        inputs.window = build.cache_inputs(window=True, values=widest, rotations=rotations)
    return inputs


def _rotations(build: GraphContext, attention: Attention) -> tuple[int, int]:
    """Rows of the rotations applied to quantized keys and values; 0 where heads are not whole 64s.

    llama_kv_cache's constructor: https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/llama-kv-cache.cpp
    """
    keys = values = 0
    if build.sizes.key_type not in UNQUANTIZED and attention.head_dim % _ROTATION == 0:
        keys = _largest_rotation(attention.head_dim)
    if (
        build.sizes.value_type not in UNQUANTIZED
        and (attention.value_head_dim or attention.head_dim) % _ROTATION == 0
    ):
        values = _ROTATION
    return keys, values


def _largest_rotation(head_dim: int) -> int:
    rows = _ROTATION
    while head_dim % (2 * rows) == 0:
        rows *= 2
    return rows


def _value_width(shape: Shape, kind: LayerKind) -> int:
    attention = layer_attention(shape, kind)
    return attention.value_head_dim or attention.head_dim
