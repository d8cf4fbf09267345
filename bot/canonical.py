"""A query as the text that reads back as the same query: what buttons carry and a person can paste."""

from dataclasses import replace
from itertools import groupby
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.question.query import Ambiguity, Intent, Query
from shared.units import GIB

_OPENING: Final = {
    Intent.FIT: "",
    Intent.WHAT_FITS: "what fits on ",
    Intent.WHICH_GPU: "which gpu for ",
    Intent.MAX_CONTEXT: "longest context of ",
    Intent.MAX_SEQUENCES: "how many users for ",
    Intent.CHEAPEST: "cheapest gpu for ",
    Intent.COMPARE: "compare ",
}


_STAYS_OPEN: Final = frozenset({"model", "gpu", "quantization", "gpu_count", "gpu_memory_bytes"})


def canonical_text(query: Query) -> str:
    """The shortest text that names every part of `query` by its catalog id, and what it leaves open by its choices."""
    models = [model.id for model in (query.model, *query.other_models) if model]
    parts = [
        " vs ".join(models),
        _hardware(query, named=bool(models)),
        query.quantization.id if query.quantization else "",
        f"{query.context_tokens} context" if query.context_tokens else "",
        f"{query.host_memory_bytes / GIB:g} GiB ram" if query.host_memory_bytes else "",
        f"kv {query.kv_cache_type}" if query.kv_cache_type else "",
        f"{query.sequences} users" if query.sequences else "",
        f"ngl {query.gpu_layers}" if query.gpu_layers is not None else "",
        f"tp {query.tensor_parallel}" if query.tensor_parallel else "",
        query.engine or "",
        f"for {query.purpose}" if query.purpose else "",
        *(
            _open(one)
            for one in query.ambiguous
            if one.field in _STAYS_OPEN and not getattr(query, one.field)
        ),
    ]
    return _OPENING[query.intent] + " ".join(part for part in parts if part)


def _hardware(query: Query, *, named: bool) -> str:
    count = f"{query.gpu_count}x " if query.gpu_count else ""
    joint = "on " if named else ""
    if query.gpus_beside:
        return joint + _side_by_side(query)
    if query.gpu:
        part = f" {_slice(query.gpu, query.gpu_memory_bytes)}" if query.gpu_memory_bytes else ""
        return f"{joint}{count}{query.gpu.id}{part}"
    if query.gpu_memory_bytes:
        return f"{joint}{count}{query.gpu_memory_bytes / GIB:g} GiB gpu"
    return f"{query.gpu_count} gpus" if query.gpu_count else ""


def _side_by_side(query: Query) -> str:
    """GPUs of one machine that differ: "2x rtx-3090 + 1x rtx-4090"."""
    first = [query.gpu.id] * (query.gpu_count or 1) if query.gpu else []
    each = first + [gpu.id for gpu in query.gpus_beside]
    return " + ".join(f"{len(list(run))}x {name}" for name, run in groupby(each))


def _slice(gpu: Gpu, memory_bytes: int) -> str:
    """A part of a GPU: its MIG profile by name, else a virtual GPU of that memory."""
    profile = next((one.name for one in gpu.mig_profiles if one.memory_bytes == memory_bytes), None)
    return profile or f"vgpu={memory_bytes // GIB}GiB"


def _open(ambiguity: Ambiguity) -> str:
    """What is still to be decided: "gpu?=a100-40gb|a100-80gb", or "gpu?=a100-80gb@1|l40s@2" with numbers of each."""
    counts = ambiguity.counts
    ids = (
        f"{choice}@{counts[place]}" if counts else choice for place, choice in enumerate(ambiguity.choices)
    )
    return f"{ambiguity.field}?={'|'.join(ids)}"


def with_choice(query: Query, ambiguity: Ambiguity, choice: str, catalog: Catalog) -> str:
    """The query as text, with one ambiguous part decided."""
    if ambiguity.field == "model" and choice in catalog.models:
        return canonical_text(replace(query, model=catalog.models[choice]))
    if ambiguity.field == "gpu" and choice in catalog.gpus:
        number = dict(zip(ambiguity.choices, ambiguity.counts, strict=False)).get(choice, query.gpu_count)
        return canonical_text(replace(query, gpu=catalog.gpus[choice], gpu_count=number))
    if ambiguity.field == "quantization" and choice in catalog.quantizations:
        return canonical_text(replace(query, quantization=catalog.quantizations[choice]))
    if ambiguity.field == "gpu_memory_bytes":
        return canonical_text(replace(query, gpu_memory_bytes=int(choice)))
    if ambiguity.field == "gpu_count":
        return canonical_text(replace(query, gpu_count=int(choice)))
    return f"{canonical_text(query)} {choice}"


def with_suggestion(text: str, given: str, suggestion: str) -> str | None:
    """The question with what was not understood replaced; None when it is not in the text as given."""
    start = text.casefold().find(given.casefold())
    if not given or start < 0:
        return None
    return text[:start] + suggestion + text[start + len(given) :]
