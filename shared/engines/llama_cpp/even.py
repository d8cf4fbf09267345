"""From which context on up to the asked one llama.cpp makes the same choices, so that memory only grows."""

from collections.abc import Sequence
from dataclasses import replace

from shared.catalog.rows import Engine, Gpu
from shared.engines.llama_cpp.cache import as_cached
from shared.engines.llama_cpp.compute import even_from_cells, reservation
from shared.engines.llama_cpp.place import placement
from shared.engines.llama_cpp.quantizer import mix_of
from shared.engines.llama_cpp.settings import CELL_PADDING, DEFAULT_BATCH, resolve
from shared.engines.llama_cpp.weights import digest
from shared.memory.workload import Workload
from shared.units import pad


def even_from(workload: Workload, gpus: Sequence[Gpu], facts: Engine) -> int:
    """The smallest `-c` from which up to the workload's own no device ever needs less for a longer context.

    The cache grows with its cells, but the graph's allocator (ggml-alloc.c) takes the best of its free blocks: where
    a longer context changes that choice, its buffer can become smaller by some MiB. Between two changes every block
    is linear in the cells, so memory only grows there. A context shorter than a batch makes the batch shorter as
    well, and a draft model is a second graph: then only the asked context itself is sure, and returned.

    Raises:
        BadValue, Refused, Unsupported: As `memory` does.
    """
    context = workload.context_tokens
    if context < (workload.batch_tokens or DEFAULT_BATCH) or workload.speculation is not None:
        return context
    version = workload.engine_version or facts.version
    mix = mix_of(workload.quantization)
    file_layers = digest(workload.model, mix).layer_count
    load = replace(workload, model=as_cached(workload.model))
    settings = resolve(load, version)
    asked = reservation(load.model, mix, settings, placement(load, gpus, file_layers), takes_over=bool(gpus))
    cells = pad(even_from_cells(asked, settings.cells), CELL_PADDING)
    return min(context, max(workload.batch_tokens or DEFAULT_BATCH, cells * settings.streams))
