"""What changes when many people are served at once."""

from typing import Final

from shared.catalog.rows import Gpu, Quantization, QuantizationFormat
from shared.planner.case import Case
from shared.planner.engine_choice import serves

CROWD: Final = 4  # users from which a server is the natural choice


def unfit_for_many(case: Case, quantization: Quantization, gpu: Gpu, sequences: int | None = None) -> bool:
    """Nobody serves a crowd from llama.cpp where a server with paged attention runs, unless they say so."""
    crowd = (sequences or case.sequences) >= CROWD and case.engine is None
    return crowd and serves(gpu) and quantization.format is QuantizationFormat.GGUF
