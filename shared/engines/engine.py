"""What every engine module offers, and what it is told about the hardware."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shared.catalog.rows import Engine, Gpu
from shared.memory.breakdown import Breakdown
from shared.memory.workload import Adapters, Workload


class FreeMemory(StrEnum):
    """What an engine makes of the memory that is free when it starts on GPUs that others use too.

    SHARES: layers are split in proportion to what is free on each GPU (llama.cpp: "default split, by free memory",
        `load_tensors` of llama-model.cpp at 0c1e57098).
    LAYERS: a GPU is filled with layers before the next one (accelerate's `device_map`).
    BUDGET: each GPU's pool is sized from what is free on it (SGLang, text-generation-inference).
    IGNORED: the budget is a share of the whole card, whoever else is on it (vLLM).
    """

    SHARES = "shares"
    LAYERS = "layers"
    BUDGET = "budget"
    IGNORED = "ignored"

    @property
    def adds_up(self) -> bool:
        """Whether one GPU's free memory makes up for another's, as layers go where there is room."""
        return self in {FreeMemory.SHARES, FreeMemory.LAYERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A command to paste: `argv` as a shell would split it, `files` to pull first, notes on licence or limits."""

    argv: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCommand:
    """What a command line seen on a node says it runs, in the words it uses; None where it says nothing.

    `model` is a repository id, a path or a file name. `Launch.argv` read back gives what was launched.
    """

    engine: str
    model: str | None = None
    quantization: str | None = None
    context_tokens: int | None = None
    kv_cache_type: str | None = None
    kv_cache_type_v: str | None = None  # where values have another type than keys
    tensor_parallel: int | None = None
    pipeline_parallel: int | None = None
    gpu_memory_utilization: float | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    gpu_layers: int | None = None
    sequences: int | None = None
    data_parallel: int | None = None
    data_parallel_attention: bool = False
    expert_parallel: int | None = None
    speculative_tokens: int | None = None  # of the checkpoint's own MTP layers; 0 where something else drafts
    adapters: Adapters | None = None


class EngineModule(Protocol):
    """What each engine's package exports: pure functions, and what the engine makes of free memory."""

    FREE_MEMORY: FreeMemory

    def memory(self, workload: Workload, gpus: Sequence[Gpu], facts: Engine) -> Breakdown:
        """Where every byte goes on these GPUs.

        Raises Refused where the engine itself would, Unsupported where we have no rule.
        """

    def launch(self, workload: Workload, gpus: Sequence[Gpu]) -> Launch:
        """The command that runs this workload."""
