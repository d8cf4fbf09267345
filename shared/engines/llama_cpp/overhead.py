"""What a llama.cpp process holds on a GPU beside its own buffers, and how far the estimate may be off."""

import math
from dataclasses import dataclass
from functools import lru_cache

from shared.catalog.rows import Engine, Gpu, Model, Shape
from shared.engines.llama_cpp.settings import Settings
from shared.engines.process_memory import context_class
from shared.memory.gguf_types import UNQUANTIZED
from shared.memory.kv_cache import cache_width
from shared.memory.tensors import inventory
from shared.units import MIB


@dataclass(frozen=True, slots=True)
class Overhead:
    """Bytes, and the half-width of their 95 % interval."""

    size_bytes: int
    error_bytes: float


@lru_cache(maxsize=1024)
def context(gpu: Gpu, facts: Engine) -> Overhead:
    """The driver's context, kernels and libraries of one process on this GPU."""
    kind = context_class(gpu) if gpu.vendor == "nvidia" else gpu.vendor
    constant = facts.constants[f"context_mib.{kind}"]
    return Overhead(round(constant.value * MIB), (constant.error or 0) * MIB)


def scratch(model: Model, settings: Settings) -> int:
    """What the CUDA backend's own pool takes while it computes, outside the compute buffer.

    Inputs of matrix products are converted first (to 8 bits with scales, or to 16 bits), and flash attention on a
    quantized cache first turns one layer's keys and values into 16 bits: ggml_cuda_pool_alloc in ggml-cuda.cu and
    fattn-common.cuh of llama.cpp at 0c1e57098.
    """
    widest, cached = _widths(model)
    converted = settings.tokens * widest * 2
    if settings.flash_attention and settings.key_type not in UNQUANTIZED:
        converted += settings.cells * settings.streams * cached * 2
    return converted


@lru_cache(maxsize=1024)
def _widths(model: Model) -> tuple[int, int]:
    """The widest input of a matrix in the layers, and the widest row of one layer's cache."""
    shape: Shape = model.shape
    widest = max(
        (
            tensor.columns
            for group in inventory(shape).groups
            for tensor in group.tensors
            if not tensor.is_vector
        ),
        default=shape.hidden_size,
    )
    cached = 0
    for layer, kind in enumerate(shape.layer_kinds()):
        width = cache_width(shape, kind, layer)
        if width is not None:
            cached = max(cached, width.key + width.value)
    return widest, cached


def error_bytes(over: Overhead, scratch_bytes: int, compute_bytes: int, compute_error: float) -> int:
    """Half-width of the 95 % interval of a device's total; weights and cache are exact, the rest is independent."""
    return round(math.hypot(over.error_bytes, scratch_bytes / 2, compute_bytes * compute_error))
