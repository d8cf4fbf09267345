"""An estimate as JSON: the keys scripts rely on."""

from typing import Any

from bot.terminal.request import EstimateRequest
from shared.estimator import Estimate
from shared.memory.breakdown import DeviceMemory, Verdict

_SUMMED = (
    "weights_bytes",
    "kv_cache_bytes",
    "recurrent_state_bytes",
    "compute_bytes",
    "overhead_bytes",
    "total_bytes",
)
_PARTS = ("activation_bytes", "cuda_graph_bytes", "non_torch_bytes")


def device_json(device: DeviceMemory) -> dict[str, int]:
    """One device, or the host."""
    return {name: getattr(device, name) for name in (*_SUMMED, *_PARTS, "uncertainty_bytes")}


def breakdown_json(estimate: Estimate) -> dict[str, Any]:
    """Where every byte goes: sums over the GPUs, then each GPU and the host."""
    breakdown = estimate.breakdown
    summed = {
        name: sum(getattr(device, name) for device in breakdown.per_gpu)
        for name in (*_SUMMED, "uncertainty_bytes")
    }
    server = breakdown.server
    per_gpu = [
        {**device_json(device), "capacity_bytes": capacity}
        for device, capacity in zip(breakdown.per_gpu, estimate.capacity_bytes, strict=True)
    ]
    return {
        "model_file_bytes": breakdown.model_file_bytes,
        **summed,
        "per_gpu": per_gpu,
        "host": device_json(breakdown.host),
        "capacity_bytes": sum(estimate.capacity_bytes) if estimate.capacity_bytes else None,
        "slack_bytes": estimate.slack_bytes if estimate.capacity_bytes else None,
        "kv_cache_capacity_tokens": server.kv_pool_tokens if server else None,
        "max_concurrency": server.max_concurrency if server else None,
        "smallest_gpu_memory_utilization": server.smallest_utilization if server else None,
    }


def estimate_json(request: EstimateRequest, estimate: Estimate) -> dict[str, Any]:
    """The whole answer of `fit estimate --json`."""
    load, breakdown = estimate.workload, estimate.breakdown
    body = breakdown_json(estimate)
    verdict = estimate.verdict
    if not request.capacity_known:
        verdict = Verdict.UNKNOWN
        body |= dict.fromkeys(
            (
                "capacity_bytes",
                "slack_bytes",
                "kv_cache_capacity_tokens",
                "max_concurrency",
                "smallest_gpu_memory_utilization",
            )
        )
        for device in body["per_gpu"]:
            device["capacity_bytes"] = None
    return {
        "model": load.model.id,
        "quantization": load.quantization.id,
        "engine": load.engine,
        "engine_version": breakdown.engine_version,
        "gpu": request.gpus[0].id if request.gpus and request.capacity_known else None,
        "gpu_count": len(request.gpus),
        "context": load.context_tokens,
        "sequences": load.sequences,
        **body,
        "verdict": verdict.value,
        "evidence": breakdown.evidence,
        "assumptions": [*request.assumptions, *breakdown.assumptions],
        "warnings": list(breakdown.warnings),
    }
