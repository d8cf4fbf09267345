"""The whole graph of a model: inputs, layers, final norm and logits.

The graph classes under src/models of llama.cpp at 0c1e57098:
https://github.com/ggml-org/llama.cpp/tree/0c1e57098/src/models
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.catalog.rows import LayerKind, Shape
from shared.engines.llama_cpp.graph.context import GraphContext, RunSizes
from shared.engines.llama_cpp.graph.inputs import Inputs, embedding, layer_inputs
from shared.engines.llama_cpp.graph.mixer import feed_forward, mixer
from shared.engines.llama_cpp.graph.per_layer import looked_up, mixed_in, projected
from shared.engines.llama_cpp.graph.recurrent import recurrent_mixer
from shared.engines.llama_cpp.graph.side_paths import one_stream, side_path_layer, spread_out
from shared.engines.llama_cpp.graph.tensor import HOST, I32, Graph, GraphTensor
from shared.engines.llama_cpp.graph.traits import Traits, traits
from shared.memory.side_path_tensors import has_side_paths
from shared.memory.tensor import Role
from shared.memory.tensors import has_feed_forward


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
    streamed = has_side_paths(shape)
    residual, inputs = _looked_up(build, trait, layers[0].place)
    if streamed:
        build.place = output_place
        residual = spread_out(build, residual)
    out_ids = build.input((sizes.outputs,), I32)
    late_rows = trait.late_rows_in_0_5 and not sizes.mixed_inputs
    for plan in layers:
        build.place, build.expert_place, build.layer = plan.place, plan.expert_place, plan.index
        build.cache_place, build.left_out = plan.cache_place, plan.left_out
        wanted = out_ids if plan is layers[-1] and not late_rows else None
        if streamed:
            residual = _streamed_layer(build, trait, residual, plan.index, inputs)
            continue
        residual = _layer(build, trait, residual, plan.index, inputs, wanted)
        if inputs.per_layer is not None:
            residual = mixed_in(build, residual, inputs.per_layer, wanted)
        if trait.scaled_layers:
            residual = build.with_weight(residual)
    build.place, build.layer = output_place, -1
    if streamed:
        residual = build.rows_of(one_stream(build, residual), out_ids, sizes.outputs)
    build.graph.expand(_logits(build, trait, residual, out_ids if late_rows else None))
    return build.graph


def _looked_up(build: GraphContext, trait: Traits, first_place: int) -> tuple[GraphTensor, Inputs]:
    """The embedding and what all layers read, in llama.cpp's order.

    Gemma 3n looks its per-layer embeddings up behind the token's own; between two look-ups of the host, the
    scheduler leaves the scaling there.
    """
    per_layer, streamed = bool(build.shape.per_layer_embedding_size), has_side_paths(build.shape)
    rows = looked_up(build, scaled=False) if per_layer and build.sizes.mixed_inputs and not streamed else None
    scaled_on_host = streamed and build.sizes.mixed_inputs
    residual = embedding(build, trait, first_place=HOST if scaled_on_host else first_place)
    build.place = first_place
    inputs = layer_inputs(build, trait)
    if per_layer:
        scaled = build.elementwise(rows) if rows else looked_up(build, scaled=True)
        inputs.per_layer = projected(build, residual, scaled)
    return residual, inputs


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


def _streamed_layer(
    build: GraphContext, trait: Traits, streams: GraphTensor, index: int, inputs: Inputs
) -> GraphTensor:
    """One layer of Gemma 3n."""
    if inputs.per_layer is None:
        raise ValueError("streams without per-layer embeddings; Gemma 3n has both")
    kind = build.shape.layer_kinds()[index]
    return side_path_layer(
        build,
        streams,
        inputs.per_layer,
        index,
        lambda normed: mixer(build, trait, normed, index, kind, inputs),
        build.shape.ffn_size,
    )


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
    mixed = mixer(build, trait, normed, index, kind, inputs)
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
        fed = feed_forward(build, trait, own_norm or normed, index)
        return _parallel_sum(build, trait, {"mixed": mixed, "residual": residual, "fed": fed})
    if trait.post_norm or shape.norms_per_layer == 4:
        mixed = build.norm(mixed)
    terms = (residual, mixed) if trait.residual_first == "both" else (mixed, residual)
    joined = build.elementwise(*terms)
    if not fed_too:
        return joined
    beside = shape.experts is not None and shape.experts.dense_beside  # norms for each half
    fed = feed_forward(build, trait, joined if trait.post_norm or beside else build.norm(joined), index)
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
    return build.elementwise(feed_forward(build, trait, build.norm(joined), index), joined)


def _parallel_sum(build: GraphContext, trait: Traits, parts: Mapping[str, GraphTensor]) -> GraphTensor:
    """The residual with what attention and feed-forward make of it side by side."""
    if trait.parallel is None:
        joined = build.elementwise(parts["mixed"], parts["residual"])
        return build.elementwise(parts["fed"], joined)
    first, second, third = (parts[name] for name in trait.parallel)
    return build.elementwise(build.elementwise(first, second), third)
