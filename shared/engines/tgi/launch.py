"""The command that serves a workload with text-generation-inference."""

from collections.abc import Sequence
from typing import Final

from shared.catalog.rows import Gpu
from shared.engines.checkpoints import checkpoint
from shared.engines.engine import Launch
from shared.engines.tgi.settings import FLAG
from shared.memory.workload import Workload

# What the launcher's --quantize makes from 16-bit weights: docs/source/reference/launcher.md @032fc4c.
ON_THE_FLY: Final = frozenset({"FP8", "NF4", "LLM.INT8"})
_METHOD: Final = {"FP8": "fp8", "NF4": "bitsandbytes-nf4", "LLM.INT8": "bitsandbytes"}
_DTYPE: Final = {"BF16": "bfloat16", "F16": "float16"}


def launch(workload: Workload, gpus: Sequence[Gpu]) -> Launch:
    """`text-generation-launcher …` with the workload's settings; what was left to the engine is left out."""
    weights = checkpoint(workload.model, workload.quantization, on_the_fly=ON_THE_FLY)
    total = workload.context_tokens
    argv = ["text-generation-launcher", "--model-id", weights.name, "--max-total-tokens", str(total)]
    argv += ["--max-input-tokens", str(max(1, total - 1))]
    tensor = workload.tensor_parallel or max(1, len(gpus))
    if tensor > 1:
        argv += ["--num-shard", str(tensor)]
    quantization = workload.quantization.id
    if quantization in _DTYPE:
        argv += ["--dtype", _DTYPE[quantization]]
    elif not weights.as_published and quantization in _METHOD:
        argv += ["--quantize", _METHOD[quantization]]
    cache_type = next(
        (t for t in (workload.kv_cache_type_k, workload.kv_cache_type_v) if t.lower() in FLAG), None
    )
    if cache_type is not None:
        argv += ["--kv-cache-dtype", FLAG[cache_type.lower()]]
    if workload.gpu_memory_utilization is not None:
        argv += ["--cuda-memory-fraction", f"{workload.gpu_memory_utilization:g}"]
    if workload.max_num_seqs is not None:
        argv += ["--max-concurrent-requests", str(workload.max_num_seqs)]
    if workload.max_num_batched_tokens is not None:
        argv += ["--max-batch-prefill-tokens", str(workload.max_num_batched_tokens)]
    if workload.enforce_eager:
        argv += ["--cuda-graphs", "0"]
    notes = weights.notes
    if workload.adapters is not None:
        argv += ["--lora-adapters", ",".join(f"adapter-{turn}" for turn in range(workload.adapters.count))]
        notes = (*notes, "Put your adapters' names for adapter-0 and so on.")
    return Launch(argv=tuple(argv), notes=notes)
