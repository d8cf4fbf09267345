"""A query as the plain values the phrasing files expect."""

from shared.question.query import Query
from shared.units import GIB


def reading_of(query: Query) -> dict[str, object]:
    """Every field of a query that says something, rows by id and memory in GiB; texts and readings left out."""
    values = {
        "intent": query.intent.value,
        "model": query.model and query.model.id,
        "gpu": query.gpu and query.gpu.id,
        "gpu_count": query.gpu_count,
        "gpus_beside": [gpu.id for gpu in query.gpus_beside] or None,
        "quantization": query.quantization and query.quantization.id,
        "context_tokens": query.context_tokens,
        "engine": query.engine,
        "sequences": query.sequences,
        "kv_cache_type": query.kv_cache_type,
        "gpu_layers": query.gpu_layers,
        "tensor_parallel": query.tensor_parallel,
        "gpu_memory_gib": query.gpu_memory_bytes and query.gpu_memory_bytes / GIB,
        "host_memory_gib": query.host_memory_bytes and query.host_memory_bytes / GIB,
        "other_models": [model.id for model in query.other_models] or None,
        "purpose": query.purpose,
        "ambiguous": {one.field: set(one.choices) for one in query.ambiguous} or None,
    }
    return {name: value for name, value in values.items() if value is not None}
