"""The weight tensors of one recurrent layer: Mamba, Mamba 2, gated delta net, KDA and short convolution."""

from shared.catalog.rows import Recurrent
from shared.errors import Unsupported
from shared.memory.tensor import Role, Tensor, linear, matrix, vector


def recurrent_layer(recurrent: Recurrent, hidden: int) -> tuple[Tensor, ...]:
    """The mixer of one recurrent layer, without its norms and feed-forward.

    Raises:
        Unsupported: The weights of this kind of layer do not follow from the shape's fields.
    """
    match recurrent.kind:
        case "mamba":
            return _mamba(recurrent, hidden)
        case "mamba2":
            return _mamba2(recurrent, hidden)
        case "gated_delta_net":
            return _gated_delta_net(recurrent, hidden)
        case "kda":
            return _kda(recurrent, hidden)
        case "short_convolution":
            return _short_convolution(recurrent, hidden)
        case "rwkv":
            raise Unsupported(
                "I have no rule for the weights of RWKV layers; Mamba and delta-net layers work."
            )


def _mamba(row: Recurrent, hidden: int) -> tuple[Tensor, ...]:
    """Selective scan (arXiv 2312.00752), as MambaMixer of transformers 4.57 holds it."""
    inner, state, rank = row.inner_size, row.state_size, row.time_step_rank
    return (
        matrix(Role.STATE_IN, 2 * inner, hidden),
        *linear(Role.STATE_CONVOLUTION, inner, row.conv_kernel, bias=row.conv_bias),
        matrix(Role.STATE_SELECT, rank + 2 * state, inner),
        *linear(Role.STATE_TIME_STEP, inner, rank, bias=True),
        matrix(Role.STATE_DECAY, inner, state),
        vector(Role.STATE_SKIP, inner),
        matrix(Role.STATE_OUT, hidden, inner),
        *(vector(Role.STATE_NORM, length) for length in (rank, state, state) if row.inner_norms),
    )


def _mamba2(row: Recurrent, hidden: int) -> tuple[Tensor, ...]:
    """State-space duality (arXiv 2405.21060), as Mamba2Mixer of transformers 4.57 holds it."""
    mixed = row.inner_size + 2 * row.groups * row.state_size
    return (
        matrix(Role.STATE_IN, row.inner_size + mixed + row.heads, hidden),
        *linear(Role.STATE_CONVOLUTION, mixed, row.conv_kernel, bias=row.conv_bias),
        vector(Role.STATE_TIME_STEP, row.heads, bias=True),
        vector(Role.STATE_DECAY, row.heads),
        vector(Role.STATE_SKIP, row.heads),
        *([vector(Role.STATE_NORM, row.inner_size)] if row.output_norm else []),
        matrix(Role.STATE_OUT, hidden, row.inner_size),
    )


def _gated_delta_net(row: Recurrent, hidden: int) -> tuple[Tensor, ...]:
    """Gated delta net (arXiv 2412.06464), as Qwen3NextGatedDeltaNet of transformers 4.57 holds it."""
    value = row.heads * row.head_dim
    key = (row.key_heads or row.heads) * (row.key_head_dim or row.head_dim)
    return (
        matrix(Role.STATE_IN, 2 * key + value, hidden),
        matrix(Role.STATE_GATE, value, hidden),
        matrix(Role.STATE_BETA, 2 * row.heads, hidden),  # beta and alpha
        matrix(Role.STATE_CONVOLUTION, 2 * key + value, row.conv_kernel),
        vector(Role.STATE_TIME_STEP, row.heads, bias=True),
        vector(Role.STATE_DECAY, row.heads),
        vector(Role.STATE_NORM, row.head_dim),
        matrix(Role.STATE_OUT, hidden, value),
    )


def _kda(row: Recurrent, hidden: int) -> tuple[Tensor, ...]:
    """Kimi Delta Attention (arXiv 2510.26692): per-channel decay through a rank of one head."""
    width = row.heads * row.head_dim
    return (
        *(matrix(role, width, hidden) for role in (Role.QUERY, Role.KEY, Role.VALUE)),
        *(matrix(Role.STATE_CONVOLUTION, width, row.conv_kernel) for _ in range(3)),
        matrix(Role.LOW_RANK_DOWN, row.head_dim, hidden),  # of the decay
        matrix(Role.LOW_RANK_UP, width, row.head_dim),
        vector(Role.STATE_TIME_STEP, width, bias=True),
        vector(Role.STATE_DECAY, row.heads),
        matrix(Role.STATE_BETA, row.heads, hidden),
        *_kda_gate(row, width, hidden),
        vector(Role.STATE_NORM, row.head_dim),
        matrix(Role.ATTENTION_OUTPUT, hidden, width),
    )


def _kda_gate(row: Recurrent, width: int, hidden: int) -> tuple[Tensor, ...]:
    """The output gate: through a rank of one head, or whole (use_full_rank_gate, Kimi K3)."""
    if row.full_rank_gate:
        return (matrix(Role.ATTENTION_GATE, width, hidden),)
    return (matrix(Role.LOW_RANK_DOWN, row.head_dim, hidden), matrix(Role.LOW_RANK_UP, width, row.head_dim))


def _short_convolution(row: Recurrent, hidden: int) -> tuple[Tensor, ...]:
    """A gated convolution over the last few tokens, as Lfm2ShortConv of transformers 4.57 holds it."""
    return (
        matrix(Role.STATE_IN, 3 * hidden, hidden),
        matrix(Role.STATE_CONVOLUTION, hidden, row.conv_kernel),
        matrix(Role.STATE_OUT, hidden, hidden),
    )
