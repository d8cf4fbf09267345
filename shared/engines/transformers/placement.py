"""Which layers `device_map="auto"` puts on which GPU."""

from dataclasses import dataclass
from functools import lru_cache

from shared.catalog.rows import Model, Quantization
from shared.memory.checkpoint import scheme
from shared.memory.sharding import RankWeights, rank_weights
from shared.memory.split import Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one GPU holds: layers by index, and bytes of weights."""

    layers: tuple[int, ...]
    weights_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The parts in the GPUs' order; `overflow_bytes` is what "auto" would send to the host instead."""

    parts: tuple[Part, ...]
    overflow_bytes: int


@lru_cache(maxsize=8192)
def placement(model: Model, quantization: Quantization, allowed_bytes: tuple[int, ...]) -> Placement:
    """Fill the GPUs in order, each up to an even share plus a buffer; the last takes the rest.

    `allowed_bytes` is what each GPU may hold of weights. The embedding comes first, then the layers, then the head
    (with a tied embedding: where the embedding is). The first GPU keeps room for the largest layer, in case layers
    must be fetched from the host. What exceeds the GPUs stays on the last one here, and is counted.

    transformers/integrations/accelerate.py of 5.23.0 (`get_balanced_memory`, `infer_auto_device_map`).
    """
    modules = _modules(model, quantization)
    count = len(allowed_bytes)
    largest = max(size for _, size in modules)
    share = sum(size for _, size in modules) // count + largest * 5 // 4
    limits = [min(share, allowed) for allowed in allowed_bytes[:-1]] + [allowed_bytes[-1]]
    limits[0] -= max((size for layer, size in modules if layer is not None), default=0)
    layers: list[list[int]] = [[] for _ in allowed_bytes]
    held = [0] * count
    gpu = 0
    for layer, size in modules:
        while gpu < count - 1 and held[gpu] + size > limits[gpu]:
            gpu += 1
        held[gpu] += size
        if layer is not None:
            layers[gpu].append(layer)
    return Placement(
        parts=tuple(
            Part(layers=tuple(own), weights_bytes=size) for own, size in zip(layers, held, strict=True)
        ),
        overflow_bytes=max(0, held[-1] - limits[-1]),
    )


@lru_cache(maxsize=4096)
def _modules(model: Model, quantization: Quantization) -> tuple[tuple[int | None, int], ...]:
    """Layer index (None outside the layers) and bytes of every module that is not split, in order."""
    stored = scheme(model, quantization)
    held: RankWeights = rank_weights(model.shape, stored, Split.even(1))
    towers = sum(tower.parameters for tower in model.towers) * stored.plain_bytes
    head = () if model.shape.tied_embeddings else ((None, held.output_bytes),)
    return (
        *(((None, towers),) if towers else ()),
        (None, held.embedding_bytes),
        *enumerate(held.layers),
        (None, held.rest_bytes),
        *head,
    )
