"""Tokens per second from the bytes a token moves, the card's bandwidth and constants fitted to published runs."""

from collections.abc import Mapping
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import DecodeSpeed, Gpu
from shared.estimator import Estimate
from shared.planner.bytes_read import BytesRead, bytes_read
from shared.planner.plan import Speed

_BRIDGED: Final = 2  # cards that an NVLink bridge joins
# The share of a card's dense tensor rate that a prompt reaches; engines print 0.3 to 0.6.
PREFILL_SHARE: Final = 0.4


def memory_class(gpu: Gpu) -> str:
    """The class of cards that turn bandwidth into tokens alike."""
    if gpu.vendor == "apple":
        return "apple"
    if gpu.unified_memory:
        return f"{gpu.vendor}-unified"
    return f"{gpu.vendor}-hbm" if gpu.memory_type.startswith("HBM") else f"{gpu.vendor}-gddr"


def host_class(gpu: Gpu | None) -> str:
    """The host we assume beside a card: a GPU server, or a desktop."""
    return "host-server" if gpu is not None and gpu.segment == "datacenter" else "host-desktop"


def decode_speed(estimate: Estimate, catalog: Catalog) -> Speed | None:
    """Single-stream decode speed with the asked context full; None where we have no constants or no bandwidth.

    The range runs from the slow end of the error bar to the fast end with an empty context. Formula: DecodeSpeed.
    """
    gpu = estimate.gpus[0] if estimate.gpus else None
    row = _constants(catalog.speeds, estimate.workload.engine, memory_class(gpu) if gpu else host_class(None))
    host = catalog.speeds.get(f"llama.cpp/{host_class(gpu)}")
    if row is None or host is None or (gpu is not None and _hypothetical(gpu)):
        return None
    read = bytes_read(estimate)
    full = _seconds(estimate, read, row, host)
    empty = full - _kv_seconds(estimate, read, row, host)
    low, high = row.low, row.high
    if read.host_weights:
        low, high = min(low, host.low), max(high, host.high)
    measured = all(one.id in row.measured_on for one in estimate.gpus)
    seen = gpu is not None and measured and not read.host_weights
    return Speed(
        tokens_per_second=1 / full,
        low=low / full,
        high=high / empty,
        validated=seen,
        prefill_tokens_per_second=prefill_speed(estimate),
        together_tokens_per_second=_together(estimate, row, host),
    )


def _together(estimate: Estimate, row: DecodeSpeed, host: DecodeSpeed) -> float | None:
    at_once = estimate.workload.sequences
    return _batch(estimate, row, host, at_once) if at_once > 1 else None


def _batch(estimate: Estimate, row: DecodeSpeed, host: DecodeSpeed, at_once: int) -> float:
    """Tokens per second of all together: a step takes as long as its reads or its arithmetic, whichever is longer."""
    seconds = _seconds(estimate, bytes_read(estimate, at_once=at_once), row, host)
    prefill = prefill_speed(estimate)
    return at_once / max(seconds, at_once / prefill if prefill else 0.0)


def prefill_speed(estimate: Estimate) -> float | None:
    """Prompt tokens per second when all weights are on the GPUs: two operations per active weight and token."""
    gpus = estimate.gpus
    if not gpus or gpus[0].tflops_fp16 is None or _hypothetical(gpus[0]):
        return None
    if estimate.workload.gpu_layers is not None or estimate.workload.cpu_expert_layers:
        return None
    parallel = _parallel(estimate)
    operations = 2 * estimate.workload.model.active_parameters
    return gpus[0].tflops_fp16 * 1e12 * PREFILL_SHARE * parallel / operations


def _seconds(estimate: Estimate, read: BytesRead, row: DecodeSpeed, host: DecodeSpeed) -> float:
    """Seconds of one decoding step."""
    gpu_weights = 0.0
    hops = 0
    if estimate.gpus:
        bandwidth = _bandwidth(estimate)
        gpu_weights = read.gpu_weights / (row.efficiency * bandwidth)
        hops = len(estimate.gpus) // _parallel(estimate) - 1
    host_weights = read.host_weights / (host.efficiency * host.bandwidth_bytes_per_second)
    steps = estimate.workload.model.shape.layers * row.seconds_per_layer + hops * row.hop_seconds
    steps += all_reduce_seconds(estimate, row)
    return gpu_weights + host_weights + steps + _kv_seconds(estimate, read, row, host)


def all_reduce_seconds(estimate: Estimate, row: DecodeSpeed) -> float:
    """What tensor parallel over PCIe adds to a step: two all-reduces per layer, each a ring of 2 (GPUs - 1) hops.

    Over NVLink it is within what was fitted per layer.
    """
    parallel = _parallel(estimate)
    if parallel < 2 or not over_pcie(estimate.gpus[0], parallel):
        return 0.0
    return estimate.workload.model.shape.layers * 4 * (parallel - 1) * row.pcie_hop_seconds


def over_pcie(gpu: Gpu, parallel: int) -> bool:
    """Whether this many of the GPU talk over PCIe: bridges join pairs, and are not to be had with most home cards."""
    bridged = gpu.segment != "datacenter" or gpu.id.endswith("-pcie")
    return not gpu.nvlink_bytes_per_second or gpu.segment == "consumer" or (bridged and parallel > _BRIDGED)


def _kv_seconds(estimate: Estimate, read: BytesRead, row: DecodeSpeed, host: DecodeSpeed) -> float:
    seconds = read.host_kv_cache / (host.kv_efficiency * host.bandwidth_bytes_per_second)
    if estimate.gpus:
        bandwidth = _bandwidth(estimate)
        seconds += read.gpu_kv_cache / (row.kv_efficiency * bandwidth)
    return seconds


def _bandwidth(estimate: Estimate) -> float:
    """Bytes per second of the GPUs as this layout reads them.

    Tensor parallel: all at once, at the slowest's pace. Layers of a split: one after the other, so cards that differ
    count by what each holds.
    """
    slowest = min(gpu.bandwidth_bytes_per_second for gpu in estimate.gpus)
    if len(set(estimate.gpus)) == 1 or _parallel(estimate) > 1:
        return float(slowest * _parallel(estimate))
    held = [max(1, device.weights_bytes) for device in estimate.breakdown.per_gpu]
    seconds = sum(
        size / gpu.bandwidth_bytes_per_second for size, gpu in zip(held, estimate.gpus, strict=True)
    )
    return sum(held) / seconds


def _parallel(estimate: Estimate) -> int:
    """GPUs that read at the same time. Layers of a split or a pipeline are read one GPU after the other."""
    return max(1, estimate.workload.tensor_parallel or 1)


def _constants(speeds: Mapping[str, DecodeSpeed], engine: str, of_class: str) -> DecodeSpeed | None:
    return speeds.get(f"{engine}/{of_class}")


def _hypothetical(gpu: Gpu) -> bool:
    """Hardware given by its memory alone has no bandwidth to reckon with."""
    return gpu.id.startswith("hypothetical-")
