"""The recorded server runs, as workloads on catalog GPUs with the terms their engines printed."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu, Model, Quantization
from shared.catalog.validated import row_of_json
from shared.memory.workload import Workload
from shared.units import MIB

EVIDENCE: Final = Path(__file__).parents[2] / "tests" / "ground_truth"

# repository of a run -> id of the model row, and the quantization its name says
_MODELS: Final = {
    "deepseek-ai/DeepSeek-V2-Lite-Chat": ("deepseek-v2-lite", "BF16"),
    "RedHatAI/Qwen2.5-7B-Instruct-fp8-dynamic": ("qwen2.5-7b", "FP8"),
    "RedHatAI/Qwen2.5-7B-Instruct-quantized.w8a8": ("qwen2.5-7b", "INT8"),
    "RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w8a8": ("llama-3.1-8b", "INT8"),
    "RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w4a16": ("llama-3.1-8b", "GPTQ"),
    "google/gemma-2-2b-it": ("gemma-2-2b", "BF16"),
    "google/gemma-2-9b-it": ("gemma-2-9b", "BF16"),
    "google/gemma-3-27b-it": ("gemma-3-27b", "BF16"),
    "google/gemma-3-4b-it": ("gemma-3-4b", "BF16"),
    "meta-llama/Llama-3.1-8B-Instruct": ("llama-3.1-8b", "BF16"),
    "moonshotai/Kimi-VL-A3B-Instruct": ("kimi-vl-a3b", "BF16"),
    "Qwen/Qwen2.5-7B-Instruct": ("qwen2.5-7b", "BF16"),
    "Qwen/Qwen2.5-72B-Instruct": ("qwen2.5-72b", "BF16"),
}
# id of a logged run -> model, quantization, GPU; without a GPU where the log names none of the catalog, or does not
# print what its activation peak depends on
_LOGGED: Final = {
    "vllm-qwen3-30b-a3b-fp8-h100": ("qwen3-30b-a3b", "FP8", "h100-80gb"),
    "vllm-qwen3-30b-a3b-bf16-h100": ("qwen3-30b-a3b", "BF16", "h100-80gb"),
    "vllm-qwen3-30b-a3b-bf16-eager-96g": ("qwen3-30b-a3b", "BF16", "rtx-pro-6000-server"),
    "vllm-qwen3-30b-a3b-bf16-16k-util0.5": ("qwen3-30b-a3b", "BF16", "h200"),
    "vllm-qwen3-coder-30b-131k": ("qwen3-30b-a3b", "BF16", "a100-80gb"),
    "vllm-qwen3-30b-a3b-w4a16-tp2": ("qwen3-30b-a3b", "W4A16", ""),
    "vllm-qwen3-30b-a3b-awq-2k": ("qwen3-30b-a3b", "W4A16", "rtx-3090"),
    "vllm-tinyllama-bnb": ("tinyllama-1.1b", "NF4", ""),
    "vllm-qwen3-235b-fp8-tp8-fp8kv": ("qwen3-235b-a22b", "FP8", "h100-80gb"),
    "vllm-qwen3-235b-fp8-tp4-h100": ("qwen3-235b-a22b", "FP8", "h100-80gb"),
    "vllm-qwen3-32b-bf16-tp8-fp8kv": ("qwen3-32b", "BF16", ""),
    "vllm-qwen2.5-3b-fp16-seq1": ("qwen2.5-3b", "F16", "rtx-3090"),
    "vllm-gpt-oss-20b-mxfp4": ("gpt-oss-20b", "MXFP4", ""),
    "vllm-typhoon-s-8b": ("qwen3-8b", "BF16", ""),
    "vllm-deepseek-r1-14b-bf16-32k": ("qwen2.5-14b", "BF16", ""),
    "vllm-qwen2.5-14b-tp4": ("qwen2.5-14b", "BF16", ""),
    "vllm-qwen2.5-14b-awq": ("qwen2.5-14b", "AWQ", ""),
    "vllm-h100tab-gpt-oss-20b": ("gpt-oss-20b", "MXFP4", "h100-80gb"),
    "vllm-h100tab-qwen3-0.6b": ("qwen3-0.6b", "BF16", "h100-80gb"),
    "vllm-h100tab-qwen3-32b-tp1": ("qwen3-32b", "BF16", "h100-80gb"),
    "vllm-h100tab-qwen3-32b-tp2": ("qwen3-32b", "BF16", "h100-80gb"),
    "vllm-qwen3.5-27b-bf16-tp4-eager": ("qwen3.5-27b", "BF16", ""),
    "vllm-qwen3.5-9b-bf16-tp4": ("qwen3.5-9b", "BF16", ""),
    "vllm-h100tab-qwen3-0.6b-32k": ("qwen3-0.6b", "BF16", "h100-80gb"),
    "vllm-h100tab-mistral-small-3.2-24b": ("mistral-small-3.2-24b", "BF16", ""),
    "vllm-qwen2.5-vl-7b-awq-jetson": ("qwen2.5-vl-7b", "AWQ", ""),
    "vllm-dotsocr-16k": ("dots.ocr", "BF16", ""),
    "vllm-llava-1.5-7b-awq": ("llava-1.5-7b", "AWQ", ""),
    "vllm-qwen3-vl-emb-2b-t4": ("qwen3-vl-embedding-2b-text", "F16", ""),
    "vllm-qwen3-4b-fp16-strix": ("qwen3-4b", "F16", ""),
}
# runs that did not start: vLLM said that the context does not fit the pool
_NOT_STARTED: Final = {
    "vllm-r1-distill-qwen14b-tp2-4090": ("deepseek-r1-distill-qwen-14b", "BF16", "rtx-4090"),
}
# what of the vLLM logs is not scored, and why
LEFT_OUT: Final = {
    "vllm-dscoder-v2-lite-awq-mla": "vLLM 0.7, which kept MLA's absorbed matrices (2 GiB) and had another profiler",
    "vllm-r1-distill-qwen14b-tp2-4090": "vLLM 0.7, the first engine, whose rules are not these; its verdict is",
    "vllm-kimi-linear-tp2": "a hybrid whose version is not printed, and its pool follows the version",
    "vllm-qwen3.8-27b-fp8-tp2-3090": "a hybrid whose version is not printed, and its pool follows the version",
    "vllm-gemma4-26b-a4b-awq-int4": "a checkpoint of mixed precision that its name does not say",
    "vllm-qwen3.8-27b-nvfp4": "a checkpoint of mixed precision that its name does not say",
    "vllm-qwen3.8-27b-nvfp4-a6000-weights": "a checkpoint of mixed precision that its name does not say",
    "vllm-qwen3.8-flash-next-gb10-8192-auto": "a cache that we have no rule for, and say so",
    "vllm-qwen3.8-flash-next-gb10-262144-auto": "a cache that we have no rule for, and say so",
    "vllm-qwen3.8-flash-next-gb10-262144-fp8": "a cache that we have no rule for, and say so",
    "vllm-dsv-moe-wna16-16gpu": "names no model",
}
_TABLE_VERSION: Final = "0.11.0"  # of the H100 table, whose rows name no version
_DEFAULT_UTILIZATION: Final = 0.9  # of the versions before 0.20, which the logs that print none are of
_ANY_GPU: Final = "h100-80gb"  # where the log names none: only terms that do not depend on it are printed

_QUANTIZATIONS: Final = {"fp8": "FP8"}
_DTYPES: Final = {"torch.float16": "F16", "torch.float32": "F32"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRun:
    """One start of a server: what was asked, and the GiB it printed per rank (absent where it did not)."""

    name: str
    repo: str
    workload: Workload
    gpus: tuple[Gpu, ...]
    printed: dict[str, float] = field(hash=False)
    gpu_known: bool = True


def models(catalog: Catalog) -> dict[str, Model]:
    """The catalog's models, and those of the runs it does not list."""
    rows = tomllib.loads((EVIDENCE / "server_models.toml").read_text())["models"]
    extra = {key: row_of_json(Model, json.dumps({"id": key, **row})) for key, row in rows.items()}
    return extra | dict(catalog.models)


def study(catalog: Catalog) -> Iterator[ServerRun]:
    """The runs of the public accuracy study: vLLM 0.19 on H100 80GB, every term printed."""
    known = models(catalog)
    gpu = catalog.gpus["h100-80gb"]
    for row in rows("vllm_study.jsonl"):
        model, quantization = _MODELS[row["model"]]
        quantization = _QUANTIZATIONS.get(row["quantization"], quantization)
        if quantization == "BF16":
            quantization = _DTYPES.get(row["dtype"], quantization)
        workload = Workload(
            model=known[model],
            quantization=catalog.quantizations[quantization],
            engine="vllm",
            engine_version=row["engine_version"],
            context_tokens=row["max_model_len"],
            kv_cache_type_k=row["kv_cache_dtype"],
            kv_cache_type_v=row["kv_cache_dtype"],
            tensor_parallel=row["tp"],
            pipeline_parallel=row["pp"],
            gpu_memory_utilization=row["gpu_memory_utilization"],
        )
        printed = {
            "weights": row["weights_memory_gib"],
            "activation": row["activation_memory_gib"],
            "non_torch": row["non_torch_forward_gib"],
            "graphs": row["cuda_graph_actual_gib"],
            "before": row["init_non_torch_memory_gib"],
            "pool": row["kv_cache_memory_gib"],
            "tokens": row["kv_cache_tokens"],
            "concurrency": row["max_concurrency"],
        }
        yield ServerRun(
            name=row["source"].rpartition(": ")[2].removesuffix(".log"),
            repo=row["model"],
            workload=workload,
            gpus=(gpu,) * (row["tp"] * row["pp"]),
            printed=printed,
        )


def logged(catalog: Catalog) -> Iterator[ServerRun]:
    """Runs of vLLM from public logs; most print only some terms, and few name their GPU."""
    return _named(_LOGGED, catalog)


def not_started(catalog: Catalog) -> Iterator[ServerRun]:
    """Runs of vLLM that its own check of the context stopped."""
    return _named(_NOT_STARTED, catalog)


def _named(named: Mapping[str, tuple[str, str, str]], catalog: Catalog) -> Iterator[ServerRun]:
    known = models(catalog)
    for row in rows("server_measured.jsonl"):
        if row["id"] not in named:
            continue
        model_id, quantization, gpu_id = named[row["id"]]
        gpu = catalog.gpus[gpu_id] if gpu_id else None
        ranks = row.get("tensor_parallel") or 1
        yield ServerRun(
            name=row["id"],
            repo=row["model"],
            workload=_workload(row, known[model_id], catalog.quantizations[quantization]),
            gpus=(gpu or catalog.gpus[_ANY_GPU],) * ranks,
            printed=_printed(row, gpu),
            gpu_known=gpu is not None,
        )


def _workload(row: dict[str, Any], model: Model, quantization: Quantization) -> Workload:
    context = row.get("context") or 8192
    return Workload(
        # a fine-tune may be made for a longer context than the row it shares its shape with
        model=replace(model, context_tokens=max(context, model.context_tokens)),
        quantization=quantization,
        engine="vllm",
        engine_version=row.get("engine_version") or _TABLE_VERSION,
        context_tokens=context,
        kv_cache_type_k=row.get("kv_type") or "auto",
        kv_cache_type_v=row.get("kv_type") or "auto",
        tensor_parallel=row.get("tensor_parallel") or 1,
        gpu_memory_utilization=row.get("gpu_memory_utilization"),
        max_num_seqs=row.get("max_num_seqs"),
        max_num_batched_tokens=row.get("max_num_batched_tokens"),
        enforce_eager=row.get("enforce_eager") == "True",
    )


def _printed(row: dict[str, Any], gpu: Gpu | None) -> dict[str, float]:
    """The terms a log printed, in GiB; graphs that freed memory (negative) say nothing.

    `inside` is what its budget held beside the cache: utilization x total less the printed pool, which is how vLLM
    makes the pool.
    """
    measured = row["measured"]
    pool = (measured.get("kv_mib") or {}).get("per_gpu_rank")
    parts = {
        "weights": (measured.get("weights_mib") or {}).get("per_gpu_rank"),
        "activation": measured.get("activation_peak_mib") if gpu else None,
        "non_torch": measured.get("non_torch_mib") if gpu else None,
        "graphs": max(measured.get("cuda_graph_mib") or 0, 0) or None if gpu else None,
        "pool": min(pool) if isinstance(pool, list) else pool,
    }
    printed = {name: value / 1024 for name, value in parts.items() if value is not None}
    if measured.get("kv_tokens"):
        printed["tokens"] = measured["kv_tokens"]
    if row.get("max_concurrency"):
        printed["concurrency"] = row["max_concurrency"]
    if gpu and "pool" in printed:
        total = (row.get("gpu_total_mib") or gpu.memory_usable_bytes / MIB) / 1024
        printed["inside"] = (
            total * (row.get("gpu_memory_utilization") or _DEFAULT_UTILIZATION) - printed["pool"]
        )
    return printed


def rows(name: str) -> Iterator[dict[str, Any]]:
    with (EVIDENCE / name).open() as lines:
        for line in lines:
            yield json.loads(line)
