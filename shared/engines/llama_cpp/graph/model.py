"""The whole graph of a model: inputs, layers, final norm and logits.

The graph classes under src/models of llama.cpp at 0c1e57098:
https://github.com/ggml-org/llama.cpp/tree/0c1e57098/src/models
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shared.catalog.rows import LayerKind, Shape
from shared.engines.llama_cpp.gguf_tensors import FUSED_EXPERT_GATE_UP, FUSED_GATE_UP, FUSED_QKV
from shared.engines.llama_cpp.graph.attention import grouped_query_attention
from shared.engines.llama_cpp.graph.context import GraphContext, RunSizes
from shared.engines.llama_cpp.graph.feed_forward import (
    Gating,
    dense_feed_forward,
    mixture_beside_dense,
    mixture_of_experts,
)
from shared.engines.llama_cpp.graph.inputs import Inputs, embedding, layer_inputs
from shared.engines.llama_cpp.graph.latent import latent_attention
from shared.engines.llama_cpp.graph.per_layer import looked_up, mixed_in, projected
from shared.engines.llama_cpp.graph.recurrent import recurrent_mixer
from shared.engines.llama_cpp.graph.tensor import I32, Graph, GraphTensor
from shared.engines.llama_cpp.graph.traits import Traits, rotates, traits
from shared.memory.feed_forward_tensors import is_mixture_layer
from shared.memory.tensor import Role
from shared.memory.tensors import has_feed_forward, kv_heads, layer_attention


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPlan:
    """One layer of the graph.

    Attributes:
        index: Which layer of the model it is.
        place: Where its weights are; `expert_place` where its routed experts are.
        cache_place: Where the cache is that it reads.
        left_out: Layers before it that the graph leaves out because they repeat.
    """

    index: int
    place: int
    expert_place: int
    cache_place: int
    left_out: int


def model_graph(
    shape: Shape,
    sizes: RunSizes,
    layers: Sequence[LayerPlan],
    output_place: int,
    host_weights: Mapping[tuple[int, Role], int] | None = None,
) -> Graph:
    """The graph llama.cpp reserves memory for, over these layers (all of a model's, or a sample of them).

    `host_weights` is given when a GPU computes with weights that stay on the host; see GraphContext.
    """
    build = GraphContext(shape, sizes, host_weights)
    trait = traits(shape.gguf_architecture or "")
    build.layer_norm = trait.layer_norm
    build.place = layers[0].place
    per_layer = looked_up(build) if shape.per_layer_embedding_size and sizes.mixed_inputs else None
    residual = embedding(build, trait, first_place=layers[0].place)
    inputs = layer_inputs(build, trait)
    if shape.per_layer_embedding_size:
        inputs.per_layer = projected(build, residual, per_layer or looked_up(build))
    out_ids = build.input((sizes.outputs,), I32)
    late_rows = trait.late_rows_in_0_5 and not sizes.mixed_inputs
    for plan in layers:
        build.place, build.expert_place, build.layer = plan.place, plan.expert_place, plan.index
        build.cache_place, build.left_out = plan.cache_place, plan.left_out
        wanted = out_ids if plan is layers[-1] and not late_rows else None
        residual = _layer(build, trait, residual, plan.index, inputs, wanted)
        if inputs.per_layer is not None:
            residual = mixed_in(build, residual, inputs.per_layer, wanted)
        if trait.scaled_layers:
            residual = build.with_weight(residual)
    build.place, build.layer = output_place, -1
    build.graph.expand(_logits(build, trait, residual, out_ids if late_rows else None))
    return build.graph


def _logits(
    build: GraphContext, trait: Traits, residual: GraphTensor, out_ids: GraphTensor | None
) -> GraphTensor:
    """Final norm and language-model head; what a draft model may read stays."""
    kept = trait.kept_hidden if build.sizes.mixed_inputs or not trait.kept_since_0_6 else ""
    if kept == "before_norm":
        residual.is_output = True
        if out_ids is not None:
            residual = build.rows_of(residual, out_ids, build.sizes.outputs)
    hidden = build.norm(residual)
    if kept == "after_norm":
        hidden.is_output = True
        if out_ids is not None:
            hidden = build.rows_of(hidden, out_ids, build.sizes.outputs)
    head = Role.TOKEN_EMBEDDING if build.shape.tied_embeddings else Role.OUTPUT
    logits = build.multiply(hidden, build.shape.vocabulary_size, head)
    return build.with_weight(logits) if build.shape.output_bias else logits


def _layer(
    build: GraphContext,
    trait: Traits,
    residual: GraphTensor,
    index: int,
    inputs: Inputs,
    out_ids: GraphTensor | None,
) -> GraphTensor:
    """One layer; in the last one only the rows whose logits are wanted go on after attention."""
    shape = build.shape
    kind = shape.layer_kinds()[index]
    normed = residual if trait.post_norm else build.norm(residual)
    own_norm = build.norm(residual) if trait.parallel and shape.norms_per_layer == 2 else None
    if shape.recurrent is not None and shape.recurrent.kind in ("gated_delta_net", "kda"):
        build.graph.expand(normed)
    mixed = _mixer(build, trait, normed, index, kind, inputs)
    if kind is LayerKind.PARALLEL:
        return _side_by_side(build, trait, mixed, residual, index, inputs, out_ids)
    fed_too = kind is not LayerKind.NONE and has_feed_forward(shape, index)
    parallel = fed_too and (trait.parallel is not None or shape.norms_per_layer == 1)
    if out_ids is not None:
        count = build.sizes.outputs
        mixed = build.rows_of(mixed, out_ids, count)
        residual = build.rows_of(residual, out_ids, count)
        if own_norm is not None:
            own_norm = (
                build.rows_of(own_norm, out_ids, count) if trait.rows_after_norm else build.norm(residual)
            )
        elif parallel:
            normed = build.rows_of(normed, out_ids, count)
    if parallel:
        fed = _feed_forward(build, trait, own_norm or normed, index)
        return _parallel_sum(build, trait, {"mixed": mixed, "residual": residual, "fed": fed})
    if trait.post_norm or shape.norms_per_layer == 4:
        mixed = build.norm(mixed)
    terms = (residual, mixed) if trait.residual_first == "both" else (mixed, residual)
    joined = build.elementwise(*terms)
    if not fed_too:
        return joined
    beside = shape.experts is not None and shape.experts.dense_beside  # norms for each half
    fed = _feed_forward(build, trait, joined if trait.post_norm or beside else build.norm(joined), index)
    if trait.post_norm or shape.norms_per_layer == 4:
        fed = build.norm(fed)
    return build.elementwise(joined, fed) if trait.residual_first else build.elementwise(fed, joined)


def _side_by_side(
    build: GraphContext,
    trait: Traits,
    attended: GraphTensor,
    residual: GraphTensor,
    index: int,
    inputs: Inputs,
    out_ids: GraphTensor | None,
) -> GraphTensor:
    """A layer with attention and a recurrent state: each takes a norm of its own of the same residual (Falcon-H1)."""
    row, states = build.shape.recurrent, inputs.states
    if row is None or states is None:
        raise ValueError("a layer without its state; states are made for every kind of layer")
    said = recurrent_mixer(build, row, build.norm(residual), states, joint_gates=trait.joint_gates)
    joined = build.elementwise(build.elementwise(attended, said), residual)
    if out_ids is not None:
        joined = build.rows_of(joined, out_ids, build.sizes.outputs)
    return build.elementwise(_feed_forward(build, trait, build.norm(joined), index), joined)


def _parallel_sum(build: GraphContext, trait: Traits, parts: Mapping[str, GraphTensor]) -> GraphTensor:
    """The residual with what attention and feed-forward make of it side by side."""
    if trait.parallel is None:
        joined = build.elementwise(parts["mixed"], parts["residual"])
        return build.elementwise(parts["fed"], joined)
    first, second, third = (parts[name] for name in trait.parallel)
    return build.elementwise(build.elementwise(first, second), third)


def _mixer(
    build: GraphContext,
    trait: Traits,
    normed: GraphTensor,
    index: int,
    kind: LayerKind,
    inputs: Inputs,
) -> GraphTensor:
    shape = build.shape
    if kind is LayerKind.NONE:  # the feed-forward stands in the mixer's place
        return _feed_forward(build, trait, normed, index)
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


def _feed_forward(build: GraphContext, trait: Traits, source: GraphTensor, index: int) -> GraphTensor:
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
