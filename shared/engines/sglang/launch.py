"""The command that serves a workload with SGLang."""

from collections.abc import Sequence
from typing import Final

from shared.catalog.rows import Gpu
from shared.engines.checkpoints import checkpoint
from shared.engines.engine import Launch
from shared.engines.sglang.adapters import target_modules
from shared.engines.sglang.cache_type import FLAG
from shared.engines.sglang.speculation import flags
from shared.memory.workload import Workload

# What SGLang quantizes itself while loading 16-bit weights: docs/advanced_features/quantization of 0.5.23.
ON_THE_FLY: Final = frozenset({"FP8", "NF4"})
_METHOD: Final = {"FP8": "fp8", "NF4": "bitsandbytes"}
_DTYPE: Final = {"BF16": "bfloat16", "F16": "half", "F32": "float32"}


def launch(workload: Workload, gpus: Sequence[Gpu]) -> Launch:
    """`python -m sglang.launch_server …` with the workload's settings; what was left to the engine is left out."""
    weights = checkpoint(workload.model, workload.quantization, on_the_fly=ON_THE_FLY)
    argv = ["python", "-m", "sglang.launch_server", "--model-path", weights.name]
    argv += ["--context-length", str(workload.context_tokens)]
    if workload.model.shape.kind == "embedding":
        argv.append("--is-embedding")
    argv += _parallel(workload, len(gpus))
    quantization = workload.quantization.id
    if quantization in _DTYPE:
        argv += ["--dtype", _DTYPE[quantization]]
    elif not weights.as_published:
        argv += ["--quantization", _METHOD[quantization]]
    cache_type = next((t for t in (workload.kv_cache_type_k, workload.kv_cache_type_v) if t != "auto"), None)
    if cache_type is not None:
        argv += ["--kv-cache-dtype", FLAG.get(cache_type.lower(), cache_type.lower())]
    if workload.gpu_memory_utilization is not None:
        argv += ["--mem-fraction-static", f"{workload.gpu_memory_utilization:g}"]
    if workload.max_num_seqs is not None:
        argv += ["--max-running-requests", str(workload.max_num_seqs)]
    if workload.max_num_batched_tokens is not None:
        argv += ["--chunked-prefill-size", str(workload.max_num_batched_tokens)]
    if workload.enforce_eager:
        argv.append("--disable-cuda-graph")
    beside, notes = _beside(workload)
    return Launch(argv=(*argv, *beside), notes=(*weights.notes, *notes))


def _parallel(workload: Workload, gpus: int) -> list[str]:
    """How the model is spread over the GPUs."""
    pipeline, copies = workload.pipeline_parallel or 1, workload.data_parallel or 1
    data = 1 if workload.data_parallel_attention else copies
    tensor = workload.tensor_parallel or max(1, gpus // (pipeline * data))
    sizes = {
        "--tp-size": tensor,
        "--pp-size": pipeline,
        "--attn-dp-size" if workload.data_parallel_attention else "--dp-size": copies,
        "--ep-size": workload.expert_parallel or 1,
    }
    return [word for flag, size in sizes.items() if size > 1 for word in (flag, str(size))]


def _beside(workload: Workload) -> tuple[list[str], tuple[str, ...]]:
    """Adapters and what drafts, with what a reader must fill in."""
    argv: list[str] = []
    if workload.adapters is not None:
        argv += ["--enable-lora", "--max-loras-per-batch", str(workload.adapters.count)]
        argv += ["--max-lora-rank", str(workload.adapters.rank)]
        argv += ["--lora-target-modules", *target_modules(workload.adapters, workload.model.shape)]
    drafter = workload.speculation.draft if workload.speculation else None
    if workload.speculation is None or drafter is None:
        return [*argv, *flags(workload, "")], ()
    stored = workload.speculation.quantization or workload.quantization
    draft = checkpoint(drafter, stored, on_the_fly=frozenset())
    return [*argv, *flags(workload, draft.name)], draft.notes
