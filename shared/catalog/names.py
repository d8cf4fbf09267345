"""What a person typed becomes a row, or a sentence with the nearest names; numbers are never corrected."""

from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.checkpoints import find_checkpoint
from shared.catalog.lookup import exact, index_of, left_out, only, refuse_no_name
from shared.catalog.name_index import gpu_pieces, gpu_words, key, without_form, words
from shared.catalog.rows import Engine, Gpu, Model, Quantization

_SIZE_TOLERANCE: Final = 0.04  # driver versions print totals up to this much apart
_INLINE_ECC: Final = 15 / 16  # what ECC leaves of GDDR5 and GDDR6
_INLINE_ECC_MEMORY: Final = frozenset({"GDDR5", "GDDR6"})


def find_model(text: str, catalog: Catalog) -> Model:
    """The model of this id, repository, file or name, whatever its quantization.

    Raises:
        UnknownName: No model is called so; the nearest names are suggested.
        AmbiguousName: Several are ("gemma 27b"); the choices are listed.
    """
    return find_checkpoint(text, catalog).model


def find_gpu(text: str, catalog: Catalog) -> Gpu:
    """The GPU of this id or name. A family whose cards differ in memory ("A100") is ambiguous.

    Raises:
        UnknownName: No GPU is called so; the nearest names are suggested.
        AmbiguousName: Several are; the choices are listed.
    """
    refuse_no_name("gpu", text)
    index = index_of(catalog).gpus
    parts = gpu_words(text)
    ids = exact(parts, index) or left_out(gpu_pieces(text), index) or exact(without_form(parts), index)
    return only("gpu", text, ids, index, catalog.gpus, parts)


def find_quantization(text: str, catalog: Catalog) -> Quantization:
    """The quantization of this id or name.

    Raises:
        UnknownName: No quantization is called so; the nearest names are suggested.
        AmbiguousName: Several are ("4-bit"); the choices are listed.
    """
    refuse_no_name("quantization", text)
    index, parts = index_of(catalog).quantizations, words(text)
    return only("quantization", text, exact(parts, index), index, catalog.quantizations, parts)


def find_engine(text: str, catalog: Catalog) -> Engine:
    """The engine of this id or name.

    Raises:
        UnknownName: No engine is called so; the nearest names are suggested.
    """
    refuse_no_name("engine", text)
    index, parts = index_of(catalog).engines, words(text)
    return only("engine", text, exact(parts, index), index, catalog.engines, parts)


def match_live_gpu(nvml_name: str, memory_total_bytes: int, catalog: Catalog) -> Gpu | None:
    """The row of a GPU a driver sees, by product name and memory size; None for a card or a slice we do not know.

    A vGPU or MIG slice carries the whole card's name with less memory, so the size must agree within 4 percent,
    with inline ECC on or off. A unified-memory device reports no size of its own (0) and goes by name.
    """
    name = key(gpu_words(nvml_name))
    best: Gpu | None = None
    best_miss = 1.0
    for row_id in index_of(catalog).gpus.other.get(name, ()):
        gpu = catalog.gpus[row_id]
        if name not in {key(gpu_words(known)) for known in gpu.nvml_names}:
            continue  # a person's alias is not what a driver prints
        miss = _size_miss(gpu, memory_total_bytes)
        if miss <= _SIZE_TOLERANCE and miss < best_miss:
            best, best_miss = gpu, miss
    return best


def _size_miss(gpu: Gpu, memory_total_bytes: int) -> float:
    """How far a live size is from the row's, as a share of it."""
    if gpu.unified_memory and memory_total_bytes == 0:
        return 0.0
    totals = [float(gpu.memory_total_bytes)]
    if gpu.memory_type in _INLINE_ECC_MEMORY:
        totals += [gpu.memory_total_bytes * _INLINE_ECC, gpu.memory_total_bytes / _INLINE_ECC]
    return min(abs(memory_total_bytes - total) / total for total in totals)
