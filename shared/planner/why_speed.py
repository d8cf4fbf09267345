"""Why a load runs as fast as it is said to, and what its hour costs."""

from collections.abc import Iterator

from shared.catalog.catalog import Catalog
from shared.catalog.rows import DecodeSpeed
from shared.estimator import Estimate
from shared.planner.bytes_read import bytes_read
from shared.planner.plan import Speed
from shared.planner.prices import cheapest_offer, cheapest_price
from shared.planner.reason import Reason
from shared.planner.speed import PREFILL_SHARE, all_reduce_seconds, decode_speed, host_class, memory_class


def speed_reasons(estimate: Estimate, catalog: Catalog) -> Iterator[Reason]:
    """Decoding alone, for all at once, and reading a prompt."""
    speed = decode_speed(estimate, catalog)
    if speed is None or not estimate.gpus:
        return
    row = catalog.speeds[f"{estimate.workload.engine}/{memory_class(estimate.gpus[0])}"]
    yield Reason(
        name="speed",
        value=f"{speed.tokens_per_second:.1f} tokens/s",
        formula=tuple(_decode(estimate, row, speed, catalog)),
        sources=(
            f"{row.id}: {row.source.text}" + (f", {row.samples} runs" if row.samples else ""),
            estimate.gpus[0].bandwidth_source.text,
        ),
    )
    if speed.together_tokens_per_second is not None:
        read = bytes_read(estimate, at_once=estimate.workload.sequences)
        users = estimate.workload.sequences
        yield Reason(
            name="together",
            value=f"{speed.together_tokens_per_second:.1f} tokens/s",
            formula=(
                f"{users:,} sequences share one step that reads {read.gpu_weights:,} bytes of weights and "
                f"{read.gpu_kv_cache:,} of KV cache, or computes {users:,} tokens at the pace of a prompt, "
                "whichever takes longer",
            ),
        )
    if speed.prefill_tokens_per_second is not None:
        yield _prefill(estimate, speed.prefill_tokens_per_second)


def _decode(estimate: Estimate, row: DecodeSpeed, speed: Speed, catalog: Catalog) -> Iterator[str]:
    gpu, load = estimate.gpus[0], estimate.workload
    read = bytes_read(estimate)
    yield (
        f"1 / ({read.gpu_weights:,} bytes of weights / ({row.efficiency:g} x bandwidth)"
        f" + {read.gpu_kv_cache:,} of KV cache / ({row.kv_efficiency:g} x bandwidth)"
        f" + {load.model.shape.layers} layers x {row.seconds_per_layer * 1e6:.0f} us)"
    )
    parallel = load.tensor_parallel or 1
    yield f"bandwidth {gpu.bandwidth_bytes_per_second / 1e9:,.0f} GB/s x {parallel}"
    hops = len(estimate.gpus) // parallel - 1
    if hops:
        yield f"and {hops} hops to the next GPU x {row.hop_seconds * 1e6:.0f} us"
    if shared_over_pcie := all_reduce_seconds(estimate, row):
        yield (
            f"and {shared_over_pcie * 1e3:.1f} ms of all-reduces over PCIe: {load.model.shape.layers} layers x 2 "
            f"x {2 * (parallel - 1)} hops x {row.pcie_hop_seconds * 1e6:.1f} us"
        )
    host = catalog.speeds.get(f"llama.cpp/{host_class(gpu)}")
    if read.host_weights and host is not None:
        pace = host.bandwidth_bytes_per_second * host.efficiency / 1e9
        yield f"and {read.host_weights:,} bytes from host memory at {pace:,.0f} GB/s ({host.id}, assumed)"
    yield (
        f"from {speed.low:.1f} to {speed.high:.1f}: runs on cards the fit had not seen came out at {row.low:g} to "
        f"{row.high:g} of what it said, the upper end with an empty context"
    )


def _prefill(estimate: Estimate, rate: float) -> Reason:
    gpu, load = estimate.gpus[0], estimate.workload
    return Reason(
        name="prefill",
        value=f"{rate:,.0f} tokens/s",
        formula=(
            f"{gpu.tflops_fp16:g} TFLOPS at 16 bits x {PREFILL_SHARE:g} reached x {load.tensor_parallel or 1} GPUs / "
            f"(2 operations x {load.model.active_parameters:,} active weights)",
        ),
        sources=(gpu.source.text,),
    )


def price_reason(estimate: Estimate, catalog: Catalog) -> Reason:
    """The cheapest hour of these GPUs; without a formula where nobody rents them out."""
    price = cheapest_price(estimate.gpus[0], len(estimate.gpus), catalog) if _alike(estimate) else None
    offer = cheapest_offer(estimate.gpus[0], len(estimate.gpus), catalog) if price else None
    if price is None or offer is None:
        return Reason(name="price", value="", formula=())
    instances = -(-len(estimate.gpus) // offer.gpus_per_instance)
    return Reason(
        name="price",
        value=f"{price.usd_per_hour:.2f} USD an hour",
        formula=(
            f"{instances} x {offer.instance} of {offer.provider} x {offer.gpus_per_instance} GPUs "
            f"x {offer.usd_per_gpu_hour:g} USD, {offer.kind}, as of {offer.as_of}",
        ),
        sources=(offer.source.text,),
    )


def _alike(estimate: Estimate) -> bool:
    return len(set(estimate.gpus)) == 1
