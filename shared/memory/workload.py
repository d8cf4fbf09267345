"""What is to be run: a model, its quantization, the engine and that engine's settings."""

from dataclasses import dataclass
from typing import Literal

from shared.catalog.rows import Model, Quantization


@dataclass(frozen=True, slots=True, kw_only=True)
class Speculation:
    """Speculative decoding: `tokens` are guessed ahead by a draft model, or by the model's own MTP layers.

    Attributes:
        draft: The draft model; None for the multi-token-prediction layers of the model's own checkpoint.
        quantization: Of the draft model; None where there is none.
        gpu_layers: llama.cpp's `-ngld`; None is all.
    """

    tokens: int
    draft: Model | None = None
    quantization: Quantization | None = None
    gpu_layers: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """LoRA adapters with room on the GPU at once.

    Attributes:
        count: vLLM's `--max-loras`, SGLang's `--max-loras-per-batch`; llama.cpp and TGI: how many are loaded.
        rank: The largest rank.
        targets: Which matrices have one: every linear layer (without embeddings and head), or attention's alone.
    """

    count: int
    rank: int
    targets: Literal["all-linear", "attention"] = "all-linear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One way of running one model. None means the engine's own default.

    Attributes:
        context_tokens: As the engine's own flag counts it. llama.cpp: `-c`, all slots together. vLLM, SGLang, TGI
            and transformers: the longest one sequence may grow.
        sequences: Sequences served at once: llama.cpp's `-np`; elsewhere how many full contexts must have room.
        kv_cache_type_k: KV cache type of keys ("f16", "q8_0", "fp8", "auto", …); `kv_cache_type_v` of values.
        gpu_layers: llama.cpp's `-ngl` (the output layer counts as one); None is all.
        cpu_expert_layers: llama.cpp's `--n-cpu-moe`: experts of this many first layers stay on the host.
        program: llama.cpp's program, which decides how many logits rows are reserved.
        gpu_memory_utilization: vLLM's flag of that name, or SGLang's `--mem-fraction-static`.
        projector: llama.cpp loads the vision or audio tower too (`--mmproj`); the servers always do.
        data_parallel: Copies of the engine, each with a KV cache of its own.
        data_parallel_attention: SGLang's `--enable-dp-attention`: the copies share the GPUs of tensor parallel.
        expert_parallel: Ranks that whole experts are divided over; None cuts every expert instead.
    """

    model: Model
    quantization: Quantization
    engine: str
    context_tokens: int
    sequences: int = 1
    kv_cache_type_k: str = "auto"
    kv_cache_type_v: str = "auto"
    # llama.cpp
    gpu_layers: int | None = None
    cpu_expert_layers: int = 0
    batch_tokens: int | None = None
    ubatch_tokens: int | None = None
    flash_attention: bool | None = None
    kv_unified: bool | None = None
    swa_full: bool = False
    program: str = "llama-server"
    split_mode: str = "layer"
    tensor_split: tuple[int, ...] = ()
    projector: bool = False
    # servers with tensor parallelism
    tensor_parallel: int | None = None
    pipeline_parallel: int | None = None
    gpu_memory_utilization: float | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    enforce_eager: bool = False
    data_parallel: int | None = None
    data_parallel_attention: bool = False
    expert_parallel: int | None = None
    engine_version: str | None = None
    # beside the model
    speculation: Speculation | None = None
    adapters: Adapters | None = None
