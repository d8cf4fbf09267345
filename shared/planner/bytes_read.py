"""What one step of decoding reads: all but the embedding table and the experts that nobody chose."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.catalog.rows import Shape
from shared.estimator import Estimate
from shared.memory.tensor import Role
from shared.memory.tensors import inventory
from shared.memory.workload import Workload

_LOOKED_UP: Final = frozenset({Role.TOKEN_EMBEDDING, Role.PER_LAYER_EMBEDDING, Role.POSITION_EMBEDDING})
_EXPERT: Final = frozenset({Role.EXPERT_GATE, Role.EXPERT_UP, Role.EXPERT_DOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesRead:
    """Bytes of one decoding step, on all GPUs together and on the host; KV cache at the full asked context."""

    gpu_weights: int
    gpu_kv_cache: int
    host_weights: int
    host_kv_cache: int


@dataclass(frozen=True, slots=True)
class _Shares:
    """How many of a model's weights are looked up by row, and how many belong to routed experts."""

    looked_up: int
    experts: int
    all: int


def bytes_read(estimate: Estimate, *, at_once: int = 1) -> BytesRead:
    """What a step for `at_once` sequences reads.

    A dense model's weights are read once however many sequences share the step; of a mixture, the more sequences
    the more experts somebody chooses.
    """
    workload, breakdown = estimate.workload, estimate.breakdown
    gpu = sum(device.weights_bytes for device in breakdown.per_gpu)
    host = breakdown.host.weights_bytes
    shares = _shares(workload.model.shape)
    gpu, host = _without_lookups(workload, gpu, host, shares)
    idle = _idle_share(workload.model.shape, at_once)
    experts = _expert_bytes(workload, gpu + host, shares)
    spread_evenly = experts * host // max(1, gpu + host)
    host_experts = min(host, experts) if workload.cpu_expert_layers else spread_evenly
    per_sequence = at_once / max(1, workload.sequences)
    return BytesRead(
        gpu_weights=gpu - int(idle * (experts - host_experts)),
        gpu_kv_cache=int(per_sequence * sum(device.kv_cache_bytes for device in breakdown.per_gpu)),
        host_weights=host - int(idle * host_experts),
        host_kv_cache=int(per_sequence * breakdown.host.kv_cache_bytes),
    )


@lru_cache(maxsize=512)
def _shares(shape: Shape) -> _Shares:
    tensors = inventory(shape)
    experts = sum(
        tensor.parameters * len(group.layers)
        for group in tensors.groups
        for tensor in group.tensors
        if tensor.role in _EXPERT
    )
    looked_up = sum(tensor.parameters for tensor in tensors.model if tensor.role in _LOOKED_UP)
    return _Shares(looked_up, experts, tensors.parameters)


def _without_lookups(workload: Workload, gpu: int, host: int, shares: _Shares) -> tuple[int, int]:
    """Weights read through. llama.cpp keeps the embedding table on the host; the others on the GPUs, at 16 bits."""
    if workload.engine == "llama.cpp":
        if workload.gpu_layers is None and not workload.cpu_expert_layers:
            return gpu, 0
        return gpu, max(0, host - int(shares.looked_up * workload.quantization.bits_per_weight / 8))
    lookups = 0 if workload.model.shape.tied_embeddings else shares.looked_up * 2
    towers = sum(tower.parameters for tower in workload.model.towers) * 2
    return max(0, gpu - lookups - towers), host


def _expert_bytes(workload: Workload, weights_bytes: int, shares: _Shares) -> int:
    """Bytes of all routed experts.

    A mix's average hides that experts are stored smaller than the rest, so the smaller of two readings counts: the
    nominal size, and the experts' share of all bytes.
    """
    nominal = int(shares.experts * workload.quantization.bits_per_weight / 8)
    return min(nominal, weights_bytes * shares.experts // max(1, shares.all))


def _idle_share(shape: Shape, at_once: int) -> float:
    """The share of the experts that no sequence of the step chose."""
    if shape.experts is None:
        return 0.0
    return float((1 - shape.experts.active / shape.experts.total) ** at_once)
