"""The command that serves a workload with vLLM."""

import json
from collections.abc import Sequence
from typing import Final

from shared.catalog.rows import Gpu
from shared.engines.checkpoints import checkpoint
from shared.engines.engine import Launch
from shared.engines.vllm.adapters import attention_modules
from shared.engines.vllm.experts import needs_expert_parallel
from shared.memory.workload import Workload

# What vLLM quantizes itself while loading 16-bit weights: docs/features/quantization of 0.19.0 (fp8, bitsandbytes).
ON_THE_FLY: Final = frozenset({"FP8", "NF4"})
_METHOD: Final = {"FP8": "fp8", "NF4": "bitsandbytes"}
_DTYPE: Final = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}
_CACHE_TYPE: Final = {"f16": "float16", "fp16": "float16", "bf16": "bfloat16"}


def launch(workload: Workload, gpus: Sequence[Gpu]) -> Launch:
    """`vllm serve …` with the workload's settings; what was left to the engine is left out."""
    model, quantization = workload.model, workload.quantization
    weights = checkpoint(model, quantization, on_the_fly=ON_THE_FLY)
    argv = ["vllm", "serve", weights.name, "--max-model-len", str(workload.context_tokens)]
    if model.shape.kind == "embedding":
        argv += ["--runner", "pooling"]
    pipeline = workload.pipeline_parallel or 1
    data = workload.data_parallel or 1
    tensor = workload.tensor_parallel or max(1, len(gpus) // (pipeline * data))
    if tensor > 1:
        argv += ["--tensor-parallel-size", str(tensor)]
    if pipeline > 1:
        argv += ["--pipeline-parallel-size", str(pipeline)]
    if data > 1:
        argv += ["--data-parallel-size", str(data)]
    if quantization.id in _DTYPE:
        argv += ["--dtype", _DTYPE[quantization.id]]
    elif not weights.as_published:
        argv += ["--quantization", _METHOD[quantization.id]]
    if (workload.expert_parallel or 1) > 1 or needs_expert_parallel(model, quantization, tensor):
        argv.append("--enable-expert-parallel")
    cache_type = next((t for t in (workload.kv_cache_type_k, workload.kv_cache_type_v) if t != "auto"), None)
    if cache_type is None and model.shape.compressed is not None:
        cache_type = "fp8"  # DeepSeek V4 starts with nothing else
    if cache_type is not None:
        argv += ["--kv-cache-dtype", _CACHE_TYPE.get(cache_type.lower(), cache_type.lower())]
    if workload.gpu_memory_utilization is not None:
        argv += ["--gpu-memory-utilization", f"{workload.gpu_memory_utilization:g}"]
    if workload.max_num_seqs is not None:
        argv += ["--max-num-seqs", str(workload.max_num_seqs)]
    if workload.max_num_batched_tokens is not None:
        argv += ["--max-num-batched-tokens", str(workload.max_num_batched_tokens)]
    if workload.enforce_eager:
        argv.append("--enforce-eager")
    beside, notes = _beside(workload)
    return Launch(argv=(*argv, *beside), notes=(*weights.notes, *notes))


def _beside(workload: Workload) -> tuple[list[str], tuple[str, ...]]:
    """Adapters and speculative decoding, and what a reader must fill in."""
    argv: list[str] = []
    notes: tuple[str, ...] = ()
    if workload.adapters is not None:
        argv += ["--enable-lora", "--max-loras", str(workload.adapters.count)]
        argv += ["--max-lora-rank", str(workload.adapters.rank)]
        if workload.adapters.targets == "attention":
            argv += ["--lora-target-modules", *attention_modules(workload.model.shape)]
    if workload.speculation is not None:
        config: dict[str, object] = {"num_speculative_tokens": workload.speculation.tokens, "method": "mtp"}
        if workload.speculation.draft is not None:
            draft = checkpoint(
                workload.speculation.draft,
                workload.speculation.quantization or workload.quantization,
                on_the_fly=frozenset(),
            )
            config |= {"method": "draft_model", "model": draft.name}
            notes = draft.notes
        argv += ["--speculative-config", json.dumps(config)]
    return argv, notes
