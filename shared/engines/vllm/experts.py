"""Whether a mixture's experts must stay whole on a rank (expert parallel) instead of being cut."""

from functools import lru_cache

from shared.catalog.rows import Model, Quantization, QuantizationFormat
from shared.memory.checkpoint import EXPERTS, scheme

_FP8_BLOCK = 128


@lru_cache(maxsize=4096)
def needs_expert_parallel(model: Model, quantization: Quantization, tensor: int) -> bool:
    """Whether cutting an expert over `tensor` ranks would cut through a quantization block or group.

    vllm/model_executor/layers/quantization/fp8.py of 0.19.0 refuses that; with --enable-expert-parallel each rank
    holds whole experts, which take the same memory.
    """
    experts = model.shape.experts
    if experts is None or tensor == 1 or quantization.format is QuantizationFormat.MXFP4_FP8:
        return False  # MXFP4's small groups are padded
    stored = scheme(model, quantization)
    if not stored.quantized & EXPERTS:
        return False
    block = _FP8_BLOCK if stored.square_blocks else stored.group
    return bool(
        block > 32 and experts.ffn_size // tensor % block
    )  # MXFP4's and NVFP4's small groups are padded
