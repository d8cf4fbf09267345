"""Workloads as each engine counts: a case and a quantization become what the estimator is asked."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from shared.catalog.rows import Quantization
from shared.memory.workload import Workload
from shared.planner.case import Case

GPUS_PER_NODE: Final = 8
_KV_CACHE_TYPES: Final = {  # what a person says -> what each engine calls it
    "llama.cpp": {
        "fp8": "q8_0",
        "int8": "q8_0",
        "8bit": "q8_0",
        "fp16": "f16",
        "bf16": "bf16",
        "int4": "q4_0",
    },
    "vllm": {"q8_0": "fp8", "8bit": "fp8", "int8": "fp8", "f16": "auto", "fp16": "auto", "bf16": "auto"},
    "sglang": {"q8_0": "fp8", "8bit": "fp8", "int8": "fp8", "f16": "auto", "fp16": "auto", "bf16": "auto"},
}


def workload(
    case: Case,
    quantization: Quantization,
    engine: str,
    *,
    context_tokens: int | None = None,
    kv_cache_type: str | None = None,
) -> Workload:
    """This case on one GPU, or on as many as a layer split reaches by itself."""
    context = context_tokens or case.context_tokens
    kv = kv_cache_type or case.kv_cache_type
    kv = _KV_CACHE_TYPES.get(engine, {}).get(kv, kv) if kv else "auto"
    in_one_cache = engine == "llama.cpp"  # -c counts all slots together
    return Workload(
        model=case.model,
        quantization=quantization,
        engine=engine,
        context_tokens=context * case.sequences if in_one_cache else context,
        sequences=case.sequences,
        kv_cache_type_k=kv,
        kv_cache_type_v=kv,
        gpu_layers=case.gpu_layers if engine == "llama.cpp" else None,
    )


def layouts(base: Workload, gpu_count: int, tensor_parallel: int | None = None) -> Iterator[Workload]:
    """The ways `gpu_count` GPUs can share this workload, the one a person would try first first.

    Tensor parallel within a node, pipeline over nodes; where the heads do not divide, fewer ways of tensor and more
    stages of pipeline.
    """
    if base.engine in ("llama.cpp", "transformers"):
        yield base
        return
    tried = [tensor_parallel] if tensor_parallel else _divisors(gpu_count)
    for parallel in tried:
        if parallel <= GPUS_PER_NODE or tensor_parallel:
            yield replace(base, tensor_parallel=parallel, pipeline_parallel=max(1, gpu_count // parallel))


def _divisors(count: int) -> list[int]:
    return [parallel for parallel in range(count, 0, -1) if count % parallel == 0]
