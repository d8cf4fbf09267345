"""The two halves of a layer: what mixes tokens (attention or a recurrent state), and the feed-forward.

The graph classes under src/models of llama.cpp at 0c1e57098:
https://github.com/ggml-org/llama.cpp/tree/0c1e57098/src/models
"""

from dataclasses import replace

from shared.catalog.rows import LayerKind
from shared.engines.llama_cpp.gguf_tensors import FUSED_EXPERT_GATE_UP, FUSED_GATE_UP, FUSED_QKV
from shared.engines.llama_cpp.graph.attention import grouped_query_attention
from shared.engines.llama_cpp.graph.context import GraphContext
from shared.engines.llama_cpp.graph.feed_forward import (
    Gating,
    dense_feed_forward,
    mixture_beside_dense,
    mixture_of_experts,
)
from shared.engines.llama_cpp.graph.inputs import Inputs
from shared.engines.llama_cpp.graph.latent import latent_attention
from shared.engines.llama_cpp.graph.recurrent import recurrent_mixer
from shared.engines.llama_cpp.graph.tensor import GraphTensor
from shared.engines.llama_cpp.graph.traits import Traits, rotates
from shared.memory.feed_forward_tensors import is_mixture_layer
from shared.memory.tensor import Role
from shared.memory.tensors import kv_heads, layer_attention


def mixer(
    build: GraphContext,
    trait: Traits,
    normed: GraphTensor,
    index: int,
    kind: LayerKind,
    inputs: Inputs,
) -> GraphTensor:
    """What this layer adds by mixing tokens, of the normed residual."""
    shape = build.shape
    if kind is LayerKind.NONE:  # the feed-forward stands in the mixer's place
        return feed_forward(build, trait, normed, index)
    if kind is LayerKind.RECURRENT and shape.recurrent is not None and inputs.states is not None:
        return recurrent_mixer(build, shape.recurrent, normed, inputs.states, joint_gates=trait.joint_gates)
    windowed = kind in (LayerKind.WINDOW, LayerKind.CHUNKED)
    cache = inputs.window if windowed else inputs.full
    if cache is None:
        raise ValueError("a layer without its cache; caches are made for every kind of layer")
    if kind is LayerKind.LATENT:
        positions = inputs.positions if trait.rotary else None
        return latent_attention(build, normed, cache, positions, inputs.indexer)
    attention = layer_attention(shape, kind)
    if trait.head_norms and attention.qk_norm == "full":
        attention = replace(attention, qk_norm="head")
    return grouped_query_attention(
        build,
        normed,
        attention,
        cache,
        inputs.positions if rotates(shape, trait, index, windowed=windowed) else None,
        kv_heads=kv_heads(shape, kind, index),
        fused=shape.gguf_architecture in FUSED_QKV,
        own_cache=index < shape.layers - shape.kv_shared_layers,
        keys_before_values=inputs.window is not None,
        temperature=None if windowed else inputs.temperature,
        value_norm=trait.value_norm,
    )


def feed_forward(build: GraphContext, trait: Traits, source: GraphTensor, index: int) -> GraphTensor:
    """What this layer's feed-forward makes of `source`: dense, or a mixture with what is shared beside."""
    shape, experts = build.shape, build.shape.experts
    ffn_size = shape.ffn_size_per_layer[index] if shape.ffn_size_per_layer else shape.ffn_size
    if experts is None or not is_mixture_layer(experts, index):
        fused = shape.gguf_architecture in FUSED_GATE_UP
        return dense_feed_forward(
            build, source, ffn_size, gated=shape.ffn_gated, bias=shape.ffn_bias, fused=fused
        )
    gating = Gating(
        softmax_of_chosen=trait.softmax_of_chosen,
        normed=trait.normed_weights,
        weight_before=trait.weight_before,
        selects_by_logits=trait.selects_by_logits,
        fused_gate_up=shape.gguf_architecture in FUSED_EXPERT_GATE_UP,
    )
    if experts.dense_beside:
        return mixture_beside_dense(build, source, experts, gating, ffn_size)
    said = mixture_of_experts(build, source, experts, gating)
    if not experts.shared_ffn_size:
        return said
    shared = dense_feed_forward(build, source, experts.shared_ffn_size, gated=shape.ffn_gated, shared=True)
    if experts.shared_gate:
        gate = build.elementwise(build.multiply(source, 1, Role.SHARED_EXPERT_ROUTER))
        shared = GraphTensor(shared.shape, (shared, gate), inplace=True)
    return build.elementwise(said, shared)
