"""The recorded server runs, as workloads on catalog GPUs with the terms their engines printed."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu, Model
from shared.catalog.validated import row_of_json
from shared.memory.workload import Workload

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
# id of a logged run -> model, quantization, GPU; left out are unknown models, checkpoints of mixed precision, and
# vLLM's first engine (before 0.8), whose rules are not these
_LOGGED: Final = {
    "vllm-qwen3-30b-a3b-fp8-h100": ("qwen3-30b-a3b", "FP8", "h100-80gb"),
    "vllm-qwen3-30b-a3b-bf16-h100": ("qwen3-30b-a3b", "BF16", "h100-80gb"),
    "vllm-qwen3-30b-a3b-bf16-eager-96g": ("qwen3-30b-a3b", "BF16", "rtx-pro-6000-server"),
    "vllm-qwen3-30b-a3b-bf16-16k-util0.5": ("qwen3-30b-a3b", "BF16", "h200"),
    "vllm-qwen3-coder-30b-131k": ("qwen3-30b-a3b", "BF16", "a100-80gb"),
    "vllm-qwen3-30b-a3b-w4a16-tp2": ("qwen3-30b-a3b", "W4A16", ""),
    "vllm-qwen3-30b-a3b-awq-2k": ("qwen3-30b-a3b", "AWQ", "rtx-3090"),
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
}
_TABLE_VERSION: Final = "0.11.0"  # of the H100 table, whose rows name no version
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


def models(catalog: Catalog) -> dict[str, Model]:
    """The catalog's models, and those of the runs it does not list."""
    rows = tomllib.loads((EVIDENCE / "server_models.toml").read_text())["models"]
    extra = {key: row_of_json(Model, json.dumps({"id": key, **row})) for key, row in rows.items()}
    return extra | dict(catalog.models)


def study(catalog: Catalog) -> Iterator[ServerRun]:
    """The runs of the public accuracy study: vLLM 0.19 on H100 80GB, every term printed."""
    known = models(catalog)
    gpu = catalog.gpus["h100-80gb"]
    for row in _rows("vllm_study.jsonl"):
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
    known = models(catalog)
    for row in _rows("server_measured.jsonl"):
        if row["id"] not in _LOGGED:
            continue
        model_id, quantization, gpu_id = _LOGGED[row["id"]]
        ranks = row.get("tensor_parallel") or 1
        context = row.get("context") or 8192
        # a fine-tune may be made for a longer context than the row it shares its shape with
        model = replace(known[model_id], context_tokens=max(context, known[model_id].context_tokens))
        workload = Workload(
            model=model,
            quantization=catalog.quantizations[quantization],
            engine="vllm",
            engine_version=row.get("engine_version") or _TABLE_VERSION,
            context_tokens=context,
            kv_cache_type_k=row.get("kv_type") or "auto",
            kv_cache_type_v=row.get("kv_type") or "auto",
            tensor_parallel=ranks,
            gpu_memory_utilization=row.get("gpu_memory_utilization"),
            max_num_seqs=row.get("max_num_seqs"),
            max_num_batched_tokens=row.get("max_num_batched_tokens"),
            enforce_eager=row.get("enforce_eager") == "True",
        )
        yield ServerRun(
            name=row["id"],
            repo=row["model"],
            workload=workload,
            gpus=(catalog.gpus[gpu_id or _ANY_GPU],) * ranks,
            printed=_printed(row["measured"], gpu_known=bool(gpu_id)),
        )


def _printed(measured: dict[str, Any], *, gpu_known: bool) -> dict[str, float]:
    """The terms a log printed, in GiB; graphs that freed memory (negative) say nothing."""
    pool = (measured.get("kv_mib") or {}).get("per_gpu_rank")
    parts = {
        "weights": (measured.get("weights_mib") or {}).get("per_gpu_rank"),
        "activation": measured.get("activation_peak_mib") if gpu_known else None,
        "non_torch": measured.get("non_torch_mib") if gpu_known else None,
        "graphs": max(measured.get("cuda_graph_mib") or 0, 0) or None if gpu_known else None,
        "pool": min(pool) if isinstance(pool, list) else pool,
    }
    printed = {name: value / 1024 for name, value in parts.items() if value is not None}
    if measured.get("kv_tokens"):
        printed["tokens"] = measured["kv_tokens"]
    return printed


def _rows(name: str) -> Iterator[dict[str, Any]]:
    with (EVIDENCE / name).open() as lines:
        for line in lines:
            yield json.loads(line)
