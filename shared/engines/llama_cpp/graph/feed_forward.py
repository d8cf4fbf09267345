"""The tensors of one feed-forward, dense or a mixture of experts, in the order llama.cpp computes them.

build_ffn and build_moe_ffn of llama-graph.cpp at 0c1e57098:
https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/llama-graph.cpp
"""

from dataclasses import dataclass

from shared.catalog.rows import Experts
from shared.engines.llama_cpp.graph.context import GraphContext
from shared.engines.llama_cpp.graph.tensor import I32, GraphTensor, view
from shared.memory.tensor import Role

_DENSE = (Role.FFN_UP, Role.FFN_GATE, Role.FFN_DOWN)
_SHARED = (Role.SHARED_EXPERT_UP, Role.SHARED_EXPERT_GATE, Role.SHARED_EXPERT_DOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gating:
    """How a router's scores become weights.

    Attributes:
        softmax_of_chosen: Softmax over the chosen experts only (gpt-oss).
        normed: Chosen weights are divided by their sum.
        weight_before: Inputs are weighted before the experts instead of after (Llama 4).
        selects_by_logits: Experts are chosen by the raw scores.
        fused_gate_up: Gate and up are one tensor in the file.
    """

    softmax_of_chosen: bool = False
    normed: bool = True
    weight_before: bool = False
    selects_by_logits: bool = False
    fused_gate_up: bool = False


def dense_feed_forward(
    build: GraphContext,
    source: GraphTensor,
    ffn_size: int,
    *,
    gated: bool,
    bias: bool = False,
    fused: bool = False,
    shared: bool = False,
) -> GraphTensor:
    """Up (and gate), activation, down. `shared` names the shared experts' matrices instead of the dense ones."""
    up_role, gate_role, down_role = _SHARED if shared else _DENSE
    if fused:
        both = build.multiply(source, 2 * ffn_size, up_role)
        active = GraphTensor((ffn_size, source.shape[1]), (both,))
    elif gated:
        up = build.multiply(source, ffn_size, up_role)
        gate = build.multiply(source, ffn_size, gate_role)
        if bias:
            up, gate = build.with_weight(up), build.with_weight(gate)
        active = GraphTensor(up.shape, (gate, up))
    else:
        up = build.multiply(source, ffn_size, up_role)
        active = build.elementwise(build.with_weight(up) if bias else up)
    down = build.multiply(active, build.shape.hidden_size, down_role)
    return build.with_weight(down) if bias else down


def mixture_beside_dense(
    build: GraphContext, source: GraphTensor, experts: Experts, gating: Gating, ffn_size: int
) -> GraphTensor:
    """A dense feed-forward and routed experts, each with norms of its own around it (Gemma 4)."""
    beside = build.norm(dense_feed_forward(build, build.norm(source), ffn_size, gated=build.shape.ffn_gated))
    routed_input = build.norm(source)
    router_input = build.with_weight(build.elementwise(GraphTensor(source.shape, (source,), inplace=True)))
    said = mixture_of_experts(build, routed_input, experts, gating, router_input)
    return build.elementwise(beside, build.norm(said))


def mixture_of_experts(
    build: GraphContext,
    source: GraphTensor,
    experts: Experts,
    gating: Gating,
    router_input: GraphTensor | None = None,
) -> GraphTensor:
    """Route every token to its experts and add up what they say."""
    tokens, used = source.shape[1], experts.active
    scores, chosen = _router(build, router_input or source, experts, gating)
    if experts.latent_size:  # experts read and write a narrower stream
        source = build.multiply(source, experts.latent_size, Role.EXPERT_LATENT_DOWN)
    hidden = source.shape[0]
    weights = _weights(build, scores, chosen, tokens, used, gating)
    build.graph.expand(weights)
    expert_input = view(source, (hidden, 1, tokens))
    if gating.weight_before:
        repeated = GraphTensor((hidden, used, tokens), (expert_input,))
        expert_input = GraphTensor(repeated.shape, (repeated, weights), inplace=True)
    active = _activated(build, expert_input, chosen, experts, gating)
    said = build.weighted((hidden, used, tokens), (active, chosen), Role.EXPERT_DOWN)
    if experts.biases:
        said = build.with_weight(said, chosen, expert=True)
    if experts.dense_beside:  # a factor for every expert
        factors = GraphTensor((1, experts.total, tokens), home=build.expert_place)
        said = build.elementwise(said, GraphTensor((1, used, tokens), (factors, chosen)))
    if not gating.weight_before:
        said = GraphTensor(said.shape, (said, weights), inplace=True)
    build.graph.expand(said)
    parts = [view(said, (hidden, tokens), contiguous=False) for _ in range(used)]
    build.graph.expand(*parts)
    total = parts[0]
    for part in parts[1:]:
        total = GraphTensor((hidden, tokens), (total, part), inplace=True)
        build.graph.expand(total)
    if used == 1:
        total = GraphTensor((hidden, tokens), (total,))
    if experts.latent_size:
        total = build.multiply(total, build.shape.hidden_size, Role.EXPERT_LATENT_UP)
    return total


def _router(
    build: GraphContext, source: GraphTensor, experts: Experts, gating: Gating
) -> tuple[GraphTensor, GraphTensor]:
    """Scores of all experts, and the indices of the chosen ones."""
    tokens = source.shape[1]
    scores = build.multiply(source, experts.total, Role.ROUTER)
    if experts.biases:
        scores = build.with_weight(scores)
    logits = scores
    if not gating.softmax_of_chosen:
        scores = build.elementwise(logits)
    selection = build.with_weight(scores) if experts.router_bias else scores
    if gating.selects_by_logits:
        build.graph.expand(scores)
        selection = logits
    order = GraphTensor((experts.total, tokens), (selection,), element_bytes=I32)
    return scores, view(order, (experts.active, tokens), contiguous=False)


def _weights(
    build: GraphContext, scores: GraphTensor, chosen: GraphTensor, tokens: int, used: int, gating: Gating
) -> GraphTensor:
    """The weight of each chosen expert."""
    weights = GraphTensor((1, used, tokens), (view(scores, (1, scores.shape[0], tokens)), chosen))
    if gating.softmax_of_chosen:
        weights = GraphTensor((used, tokens), (view(weights, (used, tokens)),), inplace=True)
        return view(weights, (1, used, tokens))
    if gating.normed:
        flat = view(weights, (used, tokens))
        total = build.elementwise(GraphTensor((1, tokens), (flat,)))
        weights = view(GraphTensor((used, tokens), (flat, total), inplace=True), (1, used, tokens))
    return weights


def _activated(
    build: GraphContext, source: GraphTensor, chosen: GraphTensor, experts: Experts, gating: Gating
) -> GraphTensor:
    """What the chosen experts make of their input before their down projection."""
    size, used, tokens = experts.ffn_size, experts.active, source.shape[2]
    shape = (size, used, tokens)

    def multiplied(rows: int, role: Role) -> GraphTensor:
        out = build.weighted((rows, used, tokens), (source, chosen), role)
        return build.with_weight(out, chosen, expert=True) if experts.biases else out

    if gating.fused_gate_up:
        both = multiplied(2 * size, Role.EXPERT_GATE)
        return GraphTensor(shape, (view(both, shape, contiguous=False), view(both, shape, contiguous=False)))
    up = multiplied(size, Role.EXPERT_UP)
    if not build.shape.ffn_gated:
        return build.elementwise(up)
    return GraphTensor(shape, (multiplied(size, Role.EXPERT_GATE), up))
