"""What fills llama.cpp's compute buffer at its fullest, tensor by tensor, and what its overhead is made of."""

from collections import Counter
from collections.abc import Iterator, Sequence

from shared.catalog.rows import Engine, Gpu, Shape
from shared.engines.explained import Explained
from shared.engines.llama_cpp.cache import as_cached
from shared.engines.llama_cpp.compute import reservation
from shared.engines.llama_cpp.graph.tensor import GraphTensor
from shared.engines.llama_cpp.overhead import context, scratch
from shared.engines.llama_cpp.peak import AtPeak, at_peak
from shared.engines.llama_cpp.place import placement
from shared.engines.llama_cpp.quantizer import mix_of
from shared.engines.llama_cpp.settings import ENCODERS, Settings, resolve
from shared.engines.llama_cpp.weights import digest
from shared.engines.process_memory import context_class
from shared.memory.workload import Workload

_RULES = "https://github.com/ggml-org/llama.cpp/blob/0c1e57098/ggml/src/ggml-alloc.c"
_POOL = "ggml_cuda_pool_alloc in ggml-cuda.cu and fattn-common.cuh of llama.cpp at 0c1e57098"
_MOST_LINES = 14


def explain(workload: Workload, gpus: Sequence[Gpu], facts: Engine, place: int) -> Explained:
    """The compute buffer and the overhead of the GPU at `place`."""
    version = workload.engine_version or facts.version
    model = as_cached(workload.model)
    settings = resolve(workload, version)
    if model.shape.gguf_architecture in ENCODERS:
        lines: tuple[str, ...] = ()  # an encoder's buffer follows from its widest layer: `assumptions` say so
    else:
        mix = mix_of(workload.quantization)
        placed = placement(workload, gpus, digest(workload.model, mix).layer_count)
        asked = reservation(model, mix, settings, placed, takes_over=bool(gpus))
        lines = tuple(_compute(at_peak(asked, settings.cells, place), model.shape, settings))
    return Explained(
        compute=lines,
        overhead=tuple(_overhead(workload, gpus[place], facts, settings)),
        sources=(f"allocator: {_RULES}", f"pool: {_POOL}"),
    )


def _compute(peak: AtPeak, shape: Shape, settings: Settings) -> Iterator[str]:
    yield (
        f"{peak.size_bytes:,} bytes where the allocator reaches furthest, "
        f"a micro batch of {settings.tokens:,} tokens over {settings.cells:,} cells; held at that moment:"
    )
    names = _names(shape, settings)
    held = Counter(_words(tensor, names) for tensor in peak.tensors)
    sizes = {_words(tensor, names): tensor.size_bytes for tensor in peak.tensors}
    largest = sorted(held, key=lambda words: -held[words] * sizes[words])
    for words in largest[:_MOST_LINES]:
        count = f"{held[words]} times " if held[words] > 1 else ""
        yield f"{count}{words} = {held[words] * sizes[words]:,} bytes"
    rest = sum(held[words] * sizes[words] for words in largest[_MOST_LINES:])
    if rest:
        yield f"{rest:,} bytes of smaller ones"
    gaps = peak.size_bytes - sum(tensor.size_bytes for tensor in peak.tensors)
    if gaps:
        yield f"{gaps:,} bytes of gaps between them"


def _words(tensor: GraphTensor, names: dict[int, str]) -> str:
    """As in "28,672 feed-forward x 512 tokens x 4 bytes"."""
    count = 1
    for extent in tensor.shape:
        count *= extent
    element = max(1, tensor.size_bytes // max(1, count))
    extents = [
        f"{extent:,} {names[extent]}" if extent in names else f"{extent:,}"
        for extent in tensor.shape
        if extent > 1
    ]
    what = " (input)" if tensor.is_input else " (copy)" if tensor.is_copy else ""
    return f"{' x '.join((*extents, f'{element} bytes'))}{what}"


def _names(shape: Shape, settings: Settings) -> dict[int, str]:
    """What an extent of a tensor is, where the number says it; of equal numbers the first."""
    found: dict[int, str] = {}
    attention, experts = shape.attention, shape.experts
    known = [
        (shape.vocabulary_size, "vocabulary"),
        (settings.tokens, "tokens"),
        (settings.cells, "cells"),
        (settings.window_cells, "window cells"),
        (shape.hidden_size, "hidden"),
        (shape.ffn_size, "feed-forward"),
    ]
    if experts is not None:
        known += [
            (experts.ffn_size, "expert width"),
            (experts.total, "experts"),
            (experts.active, "chosen experts"),
        ]
    if attention is not None:
        known += [
            (attention.heads * attention.head_dim, "queries"),
            (attention.kv_heads * attention.head_dim, "keys"),
            (attention.head_dim, "head"),
            (attention.heads, "heads"),
        ]
    for extent, name in known:
        if extent > 1:
            found.setdefault(extent, name)
    return found


def _overhead(workload: Workload, gpu: Gpu, facts: Engine, settings: Settings) -> Iterator[str]:
    kind = context_class(gpu) if gpu.vendor == "nvidia" else gpu.vendor
    constant = facts.constants[f"context_mib.{kind}"]
    held = context(gpu, facts).size_bytes
    yield f"{held:,} bytes of driver context: context_mib.{kind} = {constant.value:g} MiB ({constant.source.text})"
    yield (
        f"{scratch(workload.model, settings):,} bytes of CUDA pool: "
        f"{settings.tokens:,} tokens x the widest row of a matrix x 2 bytes, and a quantized cache turned to 16 bits"
    )
