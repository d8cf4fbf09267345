"""How far the SGLang estimate is from what SGLang printed: mostly of Ascend devices, whose pools hold the same rows."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from benchmarks.accuracy.server_runs import rows
from benchmarks.accuracy.terms import Bar, Term
from shared.catalog.catalog import Catalog
from shared.estimator import estimate
from shared.memory.workload import Workload
from shared.units import GIB, MIB

BARS: Final[Mapping[str, Bar | None]] = {
    "KV cache of the printed tokens, logs": Bar(median=0.03, p95=0.10, relative=True),
    "weights, logs of Ascend devices": None,
}
# id of a logged run -> model, quantization; left out are an indexer's cache in 16 bits, which only Ascend has, and
# models whose SGLang pools we have no rule for
_LOGGED: Final = {
    "sglang-npu-deepseek-r1-w8a8-prefill-tp16": ("deepseek-r1", "INT8"),
    "sglang-npu-deepseek-r1-w8a8-decode": ("deepseek-r1", "INT8"),
    "sglang-npu-deepseek-r1-w4a8-tp16": ("deepseek-r1", "W4A16"),
    "sglang-npu-qwen3-235b-w8a8-tp16": ("qwen3-235b-a22b", "INT8"),
    "sglang-npu-qwen3-480b-w8a8": ("qwen3-coder-480b-a35b", "INT8"),
    "sglang-dsv3.2-exp-b200-dp8-a": ("deepseek-v3.2", "FP8"),
    "sglang-dsv3.2-exp-b200-dp8-b": ("deepseek-v3.2", "FP8"),
}
_STAND_IN: Final = (
    "b200"  # the GPU of the logs that name one; weights and rows of the cache are the same on others
)
_CONTEXT: Final = 8192


def terms(catalog: Catalog) -> Iterator[Term]:
    """Bytes of the printed tokens in the first rank's pool, and its weights."""
    for row in rows("server_measured.jsonl"):
        if row["id"] in _LOGGED:
            yield from _terms(row, catalog)


def _terms(row: dict[str, Any], catalog: Catalog) -> Iterator[Term]:
    model, quantization = _LOGGED[row["id"]]
    ranks, copies = row["tensor_parallel"], row.get("dp_size") or 1
    workload = Workload(
        model=catalog.models[model],
        quantization=catalog.quantizations[quantization],
        engine="sglang",
        context_tokens=_CONTEXT,
        tensor_parallel=ranks,
        data_parallel=copies,
        data_parallel_attention=copies > 1,
        expert_parallel=row.get("ep_size"),
        # Ascend's cache is 16 bits; on Blackwell the sparse model's own default is FP8
        kv_cache_type_k="auto" if "b200" in row["id"] else "bf16",
        kv_cache_type_v="auto" if "b200" in row["id"] else "bf16",
    )
    device = estimate(workload, (catalog.gpus[_STAND_IN],) * ranks, catalog).breakdown.per_gpu[0]
    pool = row["measured"]["kv_mib"]["per_gpu_rank_pools"][0]
    held = pool.get("kv_mib") or pool["k_mib"] + pool["v_mib"]
    yield Term(
        component="KV cache of the printed tokens, logs",
        case=row["id"],
        estimated=device.kv_cache_bytes / _CONTEXT * pool["tokens"] / GIB,
        measured=held * MIB / GIB,
    )
    if weights := (row["measured"].get("weights_mib") or {}).get("per_gpu_rank"):
        yield Term(
            component="weights, logs of Ascend devices",
            case=row["id"],
            estimated=device.weights_bytes / GIB,
            measured=weights * MIB / GIB,
        )
