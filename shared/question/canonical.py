"""A query as one stable line of text that parses back to it: for buttons, links and pasting."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from shared.catalog.rows import Gpu
from shared.question.query import Intent, Query
from shared.units import GIB

_INTENTS: Final = {
    Intent.MAX_CONTEXT: "max-context",
    Intent.MAX_SEQUENCES: "max-users",
    Intent.CHEAPEST: "cheapest",
}
_FEW_TOKENS: Final = 128  # a smaller bare number would be read as thousands


def canonical_text(query: Query) -> str:
    """The query's stable form: "mixtral-8x22b Q4_K_M 2x a100-40gb ctx=32768 kv=q8_0 users=8 engine=vllm".

    Parsing it gives the query again, but for its text, readings, warnings and the words of its ambiguities.
    """
    return " ".join(part for part in _parts(query) if part)


def _parts(query: Query) -> Iterator[str]:
    if query.host_memory_bytes is not None:
        yield f"ram={_size(query.host_memory_bytes)}"
    if query.intent in _INTENTS:
        yield _INTENTS[query.intent]
    yield " vs ".join(model.id for model in (query.model, *query.other_models) if model is not None)
    if query.purpose is not None:
        yield f"for {query.purpose}"
    if query.quantization is not None:
        yield query.quantization.id
    yield from _hardware(query)
    if query.context_tokens is not None:
        unit = " tokens" if query.context_tokens <= _FEW_TOKENS else ""
        yield f"ctx={query.context_tokens}{unit}"
    settings = {
        "kv": query.kv_cache_type,
        "users": query.sequences,
        "engine": query.engine,
        "ngl": query.gpu_layers,
        "tp": query.tensor_parallel,
    }
    yield from (f"{name}={value}" for name, value in settings.items() if value is not None)
    yield from (f"{one.field}?={'|'.join(one.choices)}" for one in query.ambiguous)


def beside_text(query: Query) -> str:
    """GPUs of one machine that differ: "2x rtx-3090 + 1x rtx-4090"."""
    if query.gpu is None or not query.gpus_beside:
        return ""
    each = [query.gpu.id] * (query.gpu_count or 1) + [gpu.id for gpu in query.gpus_beside]
    return " + ".join(f"{len(list(run))}x {name}" for name, run in groupby(each))


def _hardware(query: Query) -> Iterator[str]:
    if query.gpus_beside:
        yield beside_text(query)
        return
    if query.gpu is not None:
        if query.gpu_count is not None:
            yield f"{query.gpu_count}x"
        yield query.gpu.id
        if query.gpu_memory_bytes is not None:
            yield slice_text(query.gpu, query.gpu_memory_bytes)
        return
    if query.gpu_memory_bytes is not None:
        yield f"mem={_size(query.gpu_memory_bytes)}"
    if query.gpu_count is not None:
        yield f"{query.gpu_count} gpus"


def slice_text(gpu: Gpu, memory_bytes: int) -> str:
    """A part of a GPU: its MIG profile by name, else a virtual GPU of that memory."""
    profile = next((one.name for one in gpu.mig_profiles if one.memory_bytes == memory_bytes), None)
    return profile or f"vgpu={memory_bytes // GIB}GiB"


def _size(size_bytes: int) -> str:
    """A size without loss: whole GiB where it is that, else bytes."""
    return f"{size_bytes // GIB}GiB" if size_bytes % GIB == 0 else f"{size_bytes}bytes"
