"""The tensors of one recurrent layer, in the order llama.cpp computes them.

models/mamba-base.cpp, delta-net-base.cpp, qwen3next.cpp, qwen35.cpp, kimi-linear.cpp and lfm2.cpp of llama.cpp at
0c1e57098, with the delta net as one fused operation: https://github.com/ggml-org/llama.cpp/tree/0c1e57098/src/models
"""

from shared.catalog.rows import Recurrent
from shared.engines.llama_cpp.graph.context import GraphContext
from shared.engines.llama_cpp.graph.state import (
    StateInputs,
    convolution_input,
    gathered,
    joined_history,
    written_back,
)
from shared.engines.llama_cpp.graph.tensor import GraphTensor, view
from shared.errors import Unsupported
from shared.memory.tensor import Role


def recurrent_mixer(
    build: GraphContext, row: Recurrent, source: GraphTensor, inputs: StateInputs, *, joint_gates: bool
) -> GraphTensor:
    """What a recurrent layer adds to the residual, (hidden, tokens).

    `joint_gates` is whether beta and alpha are one matrix in the file (Qwen3-Next) or two (Qwen3.5).
    """
    match row.kind:
        case "mamba":
            return _mamba(build, row, source, inputs)
        case "mamba2":
            return _mamba2(build, row, source, inputs)
        case "gated_delta_net":
            return _gated_delta_net(build, row, source, inputs, joint_gates=joint_gates)
        case "kda":
            return _kda(build, row, source, inputs)
        case "short_convolution":
            return _short_convolution(build, row, source, inputs)
        case "rwkv":
            raise Unsupported(
                "I have no rule for the memory of RWKV layers; Mamba and delta-net layers work."
            )


def _mamba(build: GraphContext, row: Recurrent, source: GraphTensor, inputs: StateInputs) -> GraphTensor:
    sequences, tokens = build.sizes.sequences, build.sizes.tokens // build.sizes.sequences
    inner, state, rank = row.inner_size, row.state_size, row.time_step_rank
    history = gathered(build, inputs, (row.conv_kernel - 1) * inner)
    both = build.weighted((2 * inner, tokens, sequences), (view(source, source.shape),), Role.STATE_IN)
    half, gate = (view(both, (inner, tokens, sequences), contiguous=False) for _ in range(2))
    joined = joined_history(build, history, half, inner, row.conv_kernel, sequences)
    mixed = GraphTensor((inner, tokens, sequences), (joined,), home=build.place)
    mixed = build.elementwise(build.with_weight(mixed))
    selected = build.weighted((rank + 2 * state, tokens, sequences), (mixed,), Role.STATE_SELECT)
    parts = [view(selected, (width, tokens, sequences), contiguous=False) for width in (rank, state, state)]
    if row.inner_norms:
        step, selection_in, selection_out = (build.norm(part, bias=False) for part in parts)
    else:
        step, selection_in, selection_out = GraphTensor(parts[0].shape, (parts[0],)), parts[1], parts[2]
    step = build.with_weight(build.weighted((inner, tokens, sequences), (step,), Role.STATE_TIME_STEP))

    def scan(rows: GraphTensor) -> GraphTensor:
        return GraphTensor(
            (inner * tokens * sequences + state * inner * sequences,),
            (view(mixed, mixed.shape), step, selection_in, selection_out, rows),
            home=build.place,
        )

    scanned = gathered(build, inputs, state * inner, scan)
    written_back(build, scanned)
    out = view(scanned, (inner, tokens, sequences))
    skipped = build.with_weight(mixed)
    out = GraphTensor(out.shape, (out, skipped), inplace=True)
    out = GraphTensor(out.shape, (GraphTensor(gate.shape, (gate,)), out))
    projected = build.weighted((build.shape.hidden_size, tokens, sequences), (out,), Role.STATE_OUT)
    return view(projected, (build.shape.hidden_size, tokens * sequences))


def _mamba2(build: GraphContext, row: Recurrent, source: GraphTensor, inputs: StateInputs) -> GraphTensor:
    sequences, tokens = build.sizes.sequences, build.sizes.tokens // build.sizes.sequences
    inner, state, heads = row.inner_size, row.state_size, row.heads
    channels = inner + 2 * row.groups * state
    head = (inner // heads, heads, tokens, sequences)
    history = gathered(build, inputs, (row.conv_kernel - 1) * channels)
    everything = build.multiply(source, inner + channels + heads, Role.STATE_IN)
    gate = view(everything, head, contiguous=False)
    mixed = view(everything, (channels, tokens, sequences), contiguous=False)
    step = view(everything, (heads, tokens, sequences), contiguous=False)
    joined = joined_history(build, history, mixed, channels, row.conv_kernel, sequences)
    mixed = GraphTensor((channels, tokens, sequences), (joined,), home=build.place)
    mixed = build.elementwise(build.with_weight(mixed))
    value = view(mixed, head, contiguous=False)
    groups = (state, row.groups, tokens, sequences)
    selection = [view(mixed, groups, contiguous=False) for _ in range(2)]
    step = build.with_weight(GraphTensor(step.shape, (step,)))

    def scan(rows: GraphTensor) -> GraphTensor:
        size = inner * tokens * sequences + state * inner * sequences
        return GraphTensor((size,), (value, step, *selection, rows), home=build.place)

    scanned = gathered(build, inputs, state * inner, scan)
    written_back(build, scanned)
    skipped = GraphTensor(head, (value,), inplace=True, home=build.place)
    out = GraphTensor(head, (view(scanned, head), skipped), inplace=True)
    out = GraphTensor(head, (GraphTensor(head, (gate,)), out))
    if row.output_norm:
        out = build.norm(view(out, (inner // row.groups, row.groups, tokens, sequences)), bias=False)
    return build.multiply(view(out, (inner, tokens * sequences)), build.shape.hidden_size, Role.STATE_OUT)


def _gated_delta_net(
    build: GraphContext, row: Recurrent, source: GraphTensor, inputs: StateInputs, *, joint_gates: bool
) -> GraphTensor:
    sequences, tokens = build.sizes.sequences, build.sizes.tokens // build.sizes.sequences
    heads, width = row.heads, row.head_dim
    key_heads, key_width = row.key_heads or heads, row.key_head_dim or width
    value_size, key_size = heads * width, key_heads * key_width
    channels = 2 * key_size + value_size
    mixed = view(build.multiply(source, channels, Role.STATE_IN), (channels, tokens, sequences))
    output_gate = build.multiply(source, value_size, Role.STATE_GATE)
    beta, decay = _gates(build, source, heads, (heads, tokens, sequences), joint=joint_gates)
    joined = convolution_input(build, inputs, mixed, channels, row.conv_kernel)
    state = gathered(build, inputs, key_width * value_size)
    mixed = build.elementwise(GraphTensor((channels, tokens, sequences), (joined,), home=build.place))
    query, key = (
        _unit_length(build, view(mixed, (key_width, key_heads, tokens, sequences), contiguous=False))
        for _ in range(2)
    )
    if (
        joint_gates and key_heads != heads
    ):  # Qwen3-Next's heads are repeated, Qwen3.5's shared by the operation
        repeated = (key_width, heads, tokens, sequences)
        query, key = (view(GraphTensor(repeated, (part,)), repeated) for part in (query, key))
    value = view(mixed, (width, heads, tokens, sequences), contiguous=False)
    result = GraphTensor(
        (value_size, tokens * sequences + width * sequences),
        (query, key, value, decay, beta, view(state, (width, width, heads, sequences))),
    )
    written_back(build, result)
    out = build.norm(view(result, (width, heads, tokens, sequences)), bias=False)
    gate = build.elementwise(view(output_gate, out.shape))
    out = view(build.elementwise(out, gate), (value_size, tokens, sequences))
    projected = build.weighted((build.shape.hidden_size, tokens, sequences), (out,), Role.STATE_OUT)
    return view(projected, (build.shape.hidden_size, tokens * sequences))


def _gates(
    build: GraphContext, source: GraphTensor, heads: int, shape: tuple[int, ...], *, joint: bool
) -> tuple[GraphTensor, GraphTensor]:
    """How much a token writes (beta) and how fast the state decays."""
    if joint:
        both = build.multiply(source, 2 * heads, Role.STATE_BETA)
        beta = build.elementwise(GraphTensor(shape, (view(both, shape, contiguous=False),)))
        alpha = GraphTensor(shape, (view(both, shape, contiguous=False),))
    else:
        beta = build.elementwise(view(build.multiply(source, heads, Role.STATE_BETA), (1, *shape)))
        alpha = view(build.multiply(source, heads, Role.STATE_BETA), shape)
    decay = build.with_weight(build.elementwise(build.with_weight(alpha)))
    return view(beta, (1, *shape)), view(decay, (1, *shape))


def _unit_length(build: GraphContext, tensor: GraphTensor) -> GraphTensor:
    return build.elementwise(GraphTensor(tensor.shape, (tensor,), inplace=True))


def _kda(build: GraphContext, row: Recurrent, source: GraphTensor, inputs: StateInputs) -> GraphTensor:
    sequences, tokens = build.sizes.sequences, build.sizes.tokens // build.sizes.sequences
    heads, width = row.heads, row.head_dim
    inner = heads * width
    head = (width, heads, tokens, sequences)
    history = gathered(build, inputs, 3 * (row.conv_kernel - 1) * inner)
    convolved = []
    for role in (Role.QUERY, Role.KEY, Role.VALUE):
        projected = view(build.multiply(source, inner, role), (inner, tokens, sequences))
        joined = joined_history(build, history, projected, inner, row.conv_kernel, sequences)
        mixed = GraphTensor((inner, tokens, sequences), (joined,), home=build.place)
        convolved.append(view(build.elementwise(view(mixed, (inner, tokens * sequences))), head))
    decay = build.multiply(build.multiply(source, width, Role.LOW_RANK_DOWN), inner, Role.LOW_RANK_UP)
    decay = build.with_weight(
        view(build.elementwise(build.with_weight(decay)), (width, heads, tokens * sequences))
    )
    beta = build.elementwise(
        view(build.multiply(source, heads, Role.STATE_BETA), (1, heads, tokens, sequences))
    )
    state = gathered(build, inputs, width * inner)
    query, key = (_unit_length(build, tensor) for tensor in convolved[:2])
    result = GraphTensor(
        (inner, tokens * sequences + width * sequences),
        (query, key, convolved[2], view(decay, head), beta, view(state, (width, width, heads, sequences))),
    )
    out = GraphTensor(head, (view(result, head),))
    written_back(build, result)
    gate = build.multiply(
        build.multiply(view(source, source.shape), width, Role.LOW_RANK_DOWN), inner, Role.LOW_RANK_UP
    )
    flat = (width, heads, tokens * sequences)
    normed = build.norm(view(out, flat), bias=False)
    gated = build.elementwise(normed, build.elementwise(view(gate, flat)))
    gated = GraphTensor((inner, tokens * sequences), (gated,))
    return build.multiply(gated, build.shape.hidden_size, Role.ATTENTION_OUTPUT)


def _short_convolution(
    build: GraphContext, row: Recurrent, source: GraphTensor, inputs: StateInputs
) -> GraphTensor:
    sequences, tokens = build.sizes.sequences, build.sizes.tokens // build.sizes.sequences
    hidden = build.shape.hidden_size
    third = (hidden, tokens, sequences)
    all_three = build.weighted((3 * hidden, tokens, sequences), (view(source, source.shape),), Role.STATE_IN)
    before, after, value = (view(all_three, third, contiguous=False) for _ in range(3))
    gated = GraphTensor(third, (before, value), inplace=True)
    joined = convolution_input(build, inputs, gated, hidden, row.conv_kernel)
    mixed = GraphTensor(third, (joined,), home=build.place)
    out = GraphTensor(third, (after, mixed), inplace=True)
    projected = build.weighted(third, (out,), Role.STATE_OUT)
    return view(projected, (hidden, tokens * sequences))
