"""Every number of an estimate as its formula with the values put in, and the source of each value."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import LayerKind, Shape, Source
from shared.estimator import Estimate
from shared.inverse.load import context_per_sequence
from shared.memory.checkpoint import EXPERTS, FEED_FORWARD
from shared.memory.tensor import Role
from shared.memory.tensors import inventory, kv_heads, layer_attention
from shared.planner.reason import Reason
from shared.planner.why_engine import explained
from shared.planner.why_speed import price_reason, speed_reasons
from shared.units import gib

_PARTS: Final = {
    "embedding": {Role.TOKEN_EMBEDDING, Role.POSITION_EMBEDDING, Role.PER_LAYER_EMBEDDING},
    "head": {Role.OUTPUT},
    "experts": EXPERTS,
    "feed-forward": FEED_FORWARD,
}
_SIXTEEN_BITS: Final = 2


def reasons(estimate: Estimate, catalog: Catalog) -> tuple[Reason, ...]:
    """All of them, in the order of the breakdown."""
    found = [
        _weights(estimate),
        _kv_cache(estimate),
        _compute(estimate, catalog),
        _overhead(estimate, catalog),
    ]
    if estimate.capacity_bytes:
        found += [_capacity(estimate), _verdict(estimate)]
    found += [*speed_reasons(estimate, catalog), price_reason(estimate, catalog)]
    return tuple(one for one in found if one.formula)


def _weights(estimate: Estimate) -> Reason:
    load = estimate.workload
    parts = weights_by_part(load.model.shape)
    held = sum(device.weights_bytes for device in estimate.breakdown.per_gpu)
    host = estimate.breakdown.host.weights_bytes
    file_bytes = estimate.breakdown.model_file_bytes
    total = sum(parts.values())
    summed = " + ".join(f"{count:,} {name}" for name, count in parts.items() if count)
    formula = [
        f"{total:,} weights = {summed}",
        f"stored as {load.quantization.name} = {file_bytes:,} bytes, {8 * file_bytes / total:.3f} bits each on average",
        f"{held:,} bytes on the GPUs ({len(estimate.gpus)}) + {host:,} on the host",
        *_beside(estimate),
    ]
    return Reason(
        name="weights",
        value=gib(held, digits=2),
        formula=tuple(formula),
        sources=(_said(load.model.source), _said(load.quantization.source)),
    )


def _beside(estimate: Estimate) -> list[str]:
    """What of the weights is not the model's language part."""
    devices = (*estimate.breakdown.per_gpu, estimate.breakdown.host)
    parts = {
        "LoRA adapters": sum(device.adapter_bytes for device in devices),
        "what drafts": sum(device.draft_bytes for device in devices),
        "towers": sum(device.tower_bytes for device in devices),
    }
    said = " + ".join(f"{size:,} of {name}" for name, size in parts.items() if size)
    return [f"in them {said}"] if said else []


def weights_by_part(shape: Shape) -> dict[str, int]:
    """Weights of the model by what they do; they add up to all of them."""
    counts: Counter[str] = Counter()
    tensors = inventory(shape)
    every = [(tensor, 1) for tensor in tensors.model]
    every += [(tensor, len(group.layers)) for group in tensors.groups for tensor in group.tensors]
    for tensor, times in every:
        name = next(
            (name for name, roles in _PARTS.items() if tensor.role in roles), "attention and the rest"
        )
        counts[name] += tensor.parameters * times
    return dict(counts)


def _kv_cache(estimate: Estimate) -> Reason:
    load = estimate.workload
    held = sum(device.kv_cache_bytes for device in estimate.breakdown.per_gpu)
    host = estimate.breakdown.host.kv_cache_bytes
    tokens = context_per_sequence(load) * load.sequences
    formula = [*_kv_per_token(load.model.shape)]
    if formula:
        kinds = f"{load.kv_cache_type_k}/{load.kv_cache_type_v}"
        each = (held + host) / max(1, tokens)
        formula.append(f"{load.sequences} x {context_per_sequence(load):,} tokens in {kinds}")
        formula.append(f"{held + host:,} bytes as the engine lays it out, {each:,.0f} per token")
    return Reason(
        name="KV cache",
        value=gib(held, digits=2),
        formula=tuple(formula),
        sources=(_said(load.model.source),),
    )


def _kv_per_token(shape: Shape) -> Iterator[str]:
    """One line per kind of layer, at 16 bits."""
    groups: Counter[tuple[LayerKind, int]] = Counter(
        (kind, kv_heads(shape, kind, layer)) for layer, kind in enumerate(shape.layer_kinds())
    )
    for (kind, heads), layers in groups.items():
        if kind is LayerKind.LATENT and shape.latent is not None:
            row = shape.latent.kv_rank + shape.latent.rope_head_dim
            yield f"{layers} latent layers x {row} x 2 bytes = {layers * row * _SIXTEEN_BITS:,} bytes per token"
        elif kind is LayerKind.RECURRENT:
            yield f"{layers} recurrent layers keep a fixed state per sequence, nothing per token"
        elif kind in (LayerKind.FULL, LayerKind.WINDOW, LayerKind.CHUNKED):
            attention = layer_attention(shape, kind)
            width = attention.head_dim + (attention.value_head_dim or attention.head_dim)
            each = layers * heads * width * _SIXTEEN_BITS
            window = f", within {shape.window_tokens:,} tokens" if kind is not LayerKind.FULL else ""
            product = f"{layers} {kind.value} layers x {heads} KV heads x {width} x 2 bytes"
            yield f"{product} = {each:,} bytes per token{window}"


def _compute(estimate: Estimate, catalog: Catalog) -> Reason:
    breakdown = estimate.breakdown
    fullest = max(breakdown.per_gpu, key=lambda device: device.compute_bytes, default=breakdown.host)
    made_of = explained(estimate, catalog)
    parts = (
        f"{fullest.activation_bytes:,} bytes of activations + {fullest.cuda_graph_bytes:,} of CUDA graphs"
        if fullest.activation_bytes or fullest.cuda_graph_bytes
        else f"{fullest.compute_bytes:,} bytes of compute buffers"
    )
    return Reason(
        name="compute",
        value=gib(fullest.compute_bytes, digits=2),
        formula=(parts, *made_of.compute, *breakdown.assumptions),
        sources=(*_engine_sources(estimate, catalog), *made_of.sources),
    )


def _overhead(estimate: Estimate, catalog: Catalog) -> Reason:
    fullest = max(estimate.breakdown.per_gpu, key=lambda device: device.overhead_bytes, default=None)
    if fullest is None:
        return Reason(name="overhead", value="", formula=())
    context = fullest.overhead_bytes - fullest.non_torch_bytes
    outside = fullest.non_torch_bytes
    summed = f"{context:,} bytes of CUDA context and libraries + {outside:,} the engine adds outside torch"
    made_of = explained(estimate, catalog)
    return Reason(
        name="overhead",
        value=gib(fullest.overhead_bytes, digits=2),
        formula=(summed, *made_of.overhead),
        sources=_engine_sources(estimate, catalog),
    )


def _capacity(estimate: Estimate) -> Reason:
    gpu = estimate.gpus[0]
    kept = gpu.memory_total_bytes - gpu.memory_usable_bytes
    how = "measured" if gpu.memory_usable_measured else "a typical driver's share"
    formula = f"{gpu.memory_total_bytes:,} bytes as NVML says - {kept:,} the driver keeps ({how})"
    return Reason(
        name="can be had",
        value=gib(estimate.capacity_bytes[0], digits=2),
        formula=(formula,),
        sources=(_said(gpu.memory_source),),
    )


def _verdict(estimate: Estimate) -> Reason:
    slack, bar = estimate.slack_bytes, estimate.uncertainty_bytes
    formula = (
        f"{slack:,} bytes stay free on the fullest GPU, give or take {bar:,}: "
        f"it fits from {bar:,} up, does not below {-bar:,}, and is tight between"
    )
    return Reason(name="verdict", value=estimate.verdict.value.replace("_", " "), formula=(formula,))


def _engine_sources(estimate: Estimate, catalog: Catalog) -> tuple[str, ...]:
    engine = catalog.engines[estimate.workload.engine]
    return (f"{engine.name} {estimate.breakdown.engine_version}: {_said(engine.source)}",)


def _said(source: Source) -> str:
    return source.text
