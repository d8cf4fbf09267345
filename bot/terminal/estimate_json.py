"""An estimate as JSON: the keys scripts rely on."""

from typing import Any

from bot.terminal.breakdown_json import breakdown_json
from bot.terminal.request import EstimateRequest
from shared.estimator import Estimate
from shared.memory.breakdown import Verdict


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
        "gpus": [gpu.id for gpu in request.gpus] if request.capacity_known else None,
        "gpu_count": len(request.gpus),
        "context": load.context_tokens,
        "sequences": load.sequences,
        **body,
        "verdict": verdict.value,
        "evidence": breakdown.evidence,
        "assumptions": [*request.assumptions, *breakdown.assumptions],
        "warnings": list(breakdown.warnings),
    }
