"""Where every byte goes, per GPU and on the host."""

from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """Does it fit, judged at both ends of the error bar on the fullest GPU."""

    FITS = "fits"  # also at the upper bound
    TIGHT = "tight"  # the interval straddles the capacity
    DOES_NOT_FIT = "does_not_fit"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceMemory:
    """The bytes one device holds. `overhead_bytes` is what is there before the model (context, driver, libraries).

    `activation_bytes` and `cuda_graph_bytes` are parts of `compute_bytes`; `non_torch_bytes` is part of
    `overhead_bytes`; `adapter_bytes` (LoRA), `draft_bytes` (a draft model or MTP layers) and `tower_bytes` (vision and
    audio) are parts of `weights_bytes`. `uncertainty_bytes` is the half-width of the 95 % interval of the total.
    """

    weights_bytes: int = 0
    kv_cache_bytes: int = 0
    recurrent_state_bytes: int = 0
    compute_bytes: int = 0
    overhead_bytes: int = 0
    activation_bytes: int = 0
    cuda_graph_bytes: int = 0
    non_torch_bytes: int = 0
    adapter_bytes: int = 0
    draft_bytes: int = 0
    tower_bytes: int = 0
    uncertainty_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        """Everything this device holds."""
        return (
            self.weights_bytes
            + self.kv_cache_bytes
            + self.recurrent_state_bytes
            + self.compute_bytes
            + self.overhead_bytes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCapacity:
    """What a server that reserves up front (vLLM, SGLang, TGI) has left for its KV cache on the fullest GPU.

    Attributes:
        budget_bytes: What the engine may use of each GPU (utilization times the CUDA total).
        kv_pool_bytes: What is left of it for the KV cache, per GPU; negative when the engine cannot start.
        kv_pool_tokens: Tokens of KV cache that pool holds.
        max_concurrency: Sequences of the full asked context that fit at once.
        starts: Whether the engine starts (one sequence of the asked context has room).
        smallest_utilization: The smallest utilization with which the asked load has room; None when none does.
        free_at_start_bytes: Per GPU, what must be free before the engine starts, where it checks its whole budget
            against that and stops; empty where it does not. `free_at_start_uncertainty_bytes` is the half-width of
            the 95 % interval.
    """

    budget_bytes: int
    kv_pool_bytes: int
    kv_pool_tokens: int
    max_concurrency: float
    starts: bool
    smallest_utilization: float | None
    free_at_start_bytes: tuple[int, ...] = ()
    free_at_start_uncertainty_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """What a workload needs. `per_gpu` has one entry per GPU in the engine's order; `host` is host memory.

    `model_file_bytes` is the size of the weights as stored. `assumptions` are sentences a reader needs in order to
    trust the numbers; `warnings` are sentences they must not miss; `evidence` says how well this engine and
    architecture have been measured ("measured", "derived", "none").
    """

    engine: str
    engine_version: str
    model_file_bytes: int
    per_gpu: tuple[DeviceMemory, ...]
    host: DeviceMemory
    server: ServerCapacity | None = None
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    evidence: str = "derived"

    @property
    def total_bytes(self) -> int:
        """Sum over the GPUs (host memory is apart)."""
        return sum(device.total_bytes for device in self.per_gpu)
