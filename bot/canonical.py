"""A query as the text that reads back as the same query: what buttons carry and a person can paste."""

from dataclasses import replace
from typing import Final

from shared.catalog.catalog import Catalog
from shared.question.canonical import beside_text, slice_text
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


def canonical_text(query: Query) -> str:
    """The shortest text that names every part of `query` by its catalog id."""
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
    ]
    return _OPENING[query.intent] + " ".join(part for part in parts if part)


def _hardware(query: Query, *, named: bool) -> str:
    count = f"{query.gpu_count}x " if query.gpu_count else ""
    joint = "on " if named else ""
    if query.gpus_beside:
        return joint + beside_text(query)
    if query.gpu:
        part = f" {slice_text(query.gpu, query.gpu_memory_bytes)}" if query.gpu_memory_bytes else ""
        return f"{joint}{count}{query.gpu.id}{part}"
    if query.gpu_memory_bytes:
        return f"{joint}{count}{query.gpu_memory_bytes / GIB:g} GiB gpu"
    return ""


def with_choice(query: Query, ambiguity: Ambiguity, choice: str, catalog: Catalog) -> str:
    """The query as text, with one ambiguous part decided."""
    if ambiguity.field == "model" and choice in catalog.models:
        return canonical_text(replace(query, model=catalog.models[choice]))
    if ambiguity.field == "gpu" and choice in catalog.gpus:
        return canonical_text(replace(query, gpu=catalog.gpus[choice]))
    if ambiguity.field == "quantization" and choice in catalog.quantizations:
        return canonical_text(replace(query, quantization=catalog.quantizations[choice]))
    if ambiguity.field == "engine":
        return canonical_text(replace(query, engine=choice))
    return f"{canonical_text(query)} {choice}"


def with_suggestion(text: str, given: str, suggestion: str) -> str | None:
    """The question with what was not understood replaced; None when it is not in the text as given."""
    start = text.casefold().find(given.casefold())
    if not given or start < 0:
        return None
    return text[:start] + suggestion + text[start + len(given) :]
