"""The recorded server runs, as workloads on catalog GPUs with the terms their engines printed."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu, Model
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
_QUANTIZATIONS: Final = {"fp8": "FP8"}
_DTYPES: Final = {"torch.float16": "F16", "torch.float32": "F32"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRun:
    """One start of a server: what was asked, and the GiB it printed per rank (absent where it did not)."""

    name: str
    workload: Workload
    gpus: tuple[Gpu, ...]
    printed: dict[str, float] = field(hash=False)


def models(catalog: Catalog) -> dict[str, Model]:
    """The catalog's models, and those of the runs it does not list."""
    rows = tomllib.loads((EVIDENCE / "server_models.toml").read_text())["models"]
    extra = {key: Model.model_validate_json(json.dumps({"id": key, **row})) for key, row in rows.items()}
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
            name=f"{row['model']} {quantization} tp{row['tp']} pp{row['pp']} {row['max_model_len']}"
            f" kv {row['kv_cache_dtype']}",
            workload=workload,
            gpus=(gpu,) * (row["tp"] * row["pp"]),
            printed=printed,
        )


def _rows(name: str) -> Iterator[dict[str, Any]]:
    with (EVIDENCE / name).open() as lines:
        for line in lines:
            yield json.loads(line)
