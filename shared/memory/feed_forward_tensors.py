"""The weight tensors of one layer's feed-forward: dense, or a mixture of experts."""

from shared.catalog.rows import Experts, Shape
from shared.memory.tensor import Role, Tensor, linear, matrix, vector


def is_mixture_layer(experts: Experts, layer: int) -> bool:
    """Whether layer `layer` (from 0) is a mixture of experts."""
    return layer >= experts.first_dense_layers and (layer + 1) % experts.every == 0


def dense(shape: Shape, ffn_size: int) -> tuple[Tensor, ...]:
    """Up, down and (when gated) gate projections of a dense feed-forward."""
    if ffn_size == 0:
        return ()
    hidden, bias = shape.hidden_size, shape.ffn_bias
    gate = linear(Role.FFN_GATE, ffn_size, hidden, bias=bias) if shape.ffn_gated else ()
    return (
        *gate,
        *linear(Role.FFN_UP, ffn_size, hidden, bias=bias),
        *linear(Role.FFN_DOWN, hidden, ffn_size, bias=bias),
    )


def mixture(shape: Shape, experts: Experts, ffn_size: int) -> tuple[Tensor, ...]:
    """Router, routed experts, and what runs beside them in the same layer."""
    hidden = shape.hidden_size
    tensors = [
        matrix(Role.ROUTER, experts.total, hidden),
        *_routed(shape, experts),
        *_shared(shape, experts),
    ]
    if experts.biases:
        tensors.append(vector(Role.ROUTER, experts.total, bias=True))
    if experts.router_bias:
        tensors.append(vector(Role.ROUTER_CORRECTION, experts.total, bias=True))
    if experts.dense_beside:
        tensors += dense(shape, ffn_size)
        if shape.norms_per_layer == 4:  # both halves are normed on their own (Gemma 4)
            tensors += [vector(Role.NORM, hidden)] * 3
            tensors += [vector(Role.ROUTER_SCALE, hidden), vector(Role.EXPERT_SCALE, experts.total)]
    return tuple(tensors)


def _routed(shape: Shape, experts: Experts) -> list[Tensor]:
    """The experts' matrices; those of a narrower stream have projections into and out of it that all share.

    LatentMoE: arXiv 2601.18089, and fc1_latent_proj and fc2_latent_proj of Nemotron 3 Super's checkpoint.
    """
    hidden, size, total = experts.latent_size or shape.hidden_size, experts.ffn_size, experts.total
    parts = [(Role.EXPERT_UP, size, hidden), (Role.EXPERT_DOWN, hidden, size)]
    if shape.ffn_gated:
        parts.insert(0, (Role.EXPERT_GATE, size, hidden))
    tensors = [matrix(role, rows, columns, matrices=total) for role, rows, columns in parts]
    if experts.latent_size:
        tensors += [
            matrix(Role.EXPERT_LATENT_DOWN, hidden, shape.hidden_size),
            matrix(Role.EXPERT_LATENT_UP, shape.hidden_size, hidden),
            *([vector(Role.EXPERT_LATENT_NORM, hidden)] if experts.latent_norm else []),
        ]
    if experts.biases:
        tensors += [
            Tensor(role=role, rows=total, columns=rows, bias=True)  # stored as one row per expert
            for role, rows, _ in parts
        ]
    return tensors


def _shared(shape: Shape, experts: Experts) -> list[Tensor]:
    size = experts.shared_ffn_size
    if not size:
        return []
    hidden = shape.hidden_size
    tensors = [
        matrix(Role.SHARED_EXPERT_UP, size, hidden),
        matrix(Role.SHARED_EXPERT_DOWN, hidden, size),
    ]
    if shape.ffn_gated:
        tensors.append(matrix(Role.SHARED_EXPERT_GATE, size, hidden))
    if experts.shared_gate:
        tensors.append(vector(Role.SHARED_EXPERT_ROUTER, hidden))
    return tensors
