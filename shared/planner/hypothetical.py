"""Hardware given by its memory alone: "a GPU with 36 GB"."""

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu, Source, SourceKind
from shared.question.query import Query
from shared.units import GB, gib

# Between the marketed size and what CUDA gives lie about 2 percent on every card measured.
_USABLE_SHARE = 0.98


def hypothetical_gpu(query: Query, catalog: Catalog) -> Gpu | None:
    """A GPU of the memory the question names, or None when it names none. It has no bandwidth, so no speed either."""
    size = query.gpu_memory_bytes
    if size is None:
        return None
    source = Source(kind=SourceKind.DERIVED, text="the size named in the question")
    like = catalog.gpus.get("h100-80gb")
    return Gpu(
        id=f"hypothetical-{size}",
        name=f"GPU with {gib(size)}",
        vendor="nvidia",
        family="hypothetical",
        segment="datacenter",
        architecture=like.architecture if like else "unknown",
        compute_capability=like.compute_capability if like else None,
        memory_marketed_gb=max(1, round(size / GB)),
        memory_total_bytes=size,
        memory_usable_bytes=int(size * _USABLE_SHARE),
        memory_usable_measured=False,
        bandwidth_bytes_per_second=1,
        memory_type="unknown",
        supports_fp8=True,
        confidence="derived",
        source=source,
        memory_source=source,
        bandwidth_source=source,
    )
