"""Where every byte goes, as JSON: sums over the GPUs, then each GPU and the host."""

from typing import Any, Final

from shared.estimator import Estimate
from shared.memory.breakdown import DeviceMemory

_SUMMED: Final = (
    *("weights_bytes", "kv_cache_bytes", "recurrent_state_bytes"),
    *("compute_bytes", "overhead_bytes", "total_bytes"),
)
_PARTS: Final = (
    *("activation_bytes", "cuda_graph_bytes", "non_torch_bytes"),
    *("adapter_bytes", "draft_bytes", "tower_bytes"),
)


def device_json(device: DeviceMemory) -> dict[str, int]:
    """One device, or the host."""
    return {name: getattr(device, name) for name in (*_SUMMED, *_PARTS, "uncertainty_bytes")}


def breakdown_json(estimate: Estimate) -> dict[str, Any]:
    """The breakdown of an estimate, and what it is held against."""
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
