"""The row of a way of storing weights."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from shared.catalog.row import Count, Limits, Positive, Row, Source


class QuantizationFormat(StrEnum):
    """How a quantization is stored, which decides what engines load it and which weights it leaves alone."""

    PLAIN = "plain"  # FP32, FP16, BF16: no quantization
    GGUF = "gguf"
    FP8 = "fp8"
    INT8 = "int8"
    AWQ = "awq"
    GPTQ = "gptq"
    COMPRESSED = "compressed-tensors"
    BITSANDBYTES = "bitsandbytes"
    MXFP4 = "mxfp4"
    MXFP4_FP8 = "mxfp4-fp8"  # experts in MXFP4, the other matrices in FP8, as DeepSeek V4 is published
    NVFP4 = "nvfp4"
    EXL = "exl"


@dataclass(frozen=True, kw_only=True)
class Quality(Row):
    """What a quantization costs, measured on one model: perplexity increase and divergence from 16 bits."""

    measured_on: str
    perplexity_increase: float | None = None  # in percent of the unquantized perplexity
    kl_divergence: float | None = None
    recovery_percent: float | None = None  # benchmark score kept, for formats measured that way
    note: str | None = None
    source: Source


@dataclass(frozen=True, kw_only=True)
class Quantization(Row):
    """One way of storing weights.

    `bits_per_weight` is the nominal size of a quantized weight with its scales; a GGUF mix's real size comes
    from the quantizer's choice per tensor. `default_bits` is for planning a model whose tensors are unknown.
    """

    id: str  # "Q4_K_M", "BF16", "AWQ"
    name: str
    format: QuantizationFormat
    aliases: tuple[str, ...] = ()
    bits_per_weight: Annotated[float, Limits(gt=0, le=32)]
    group_size: Count = 0
    rank: Positive  # order of quality, 1 is best; equal ranks are equally good
    healthy: bool  # False below about 3 bits, where models visibly break
    engines: tuple[str, ...]
    min_compute_capability: tuple[int, int] | None = None
    native_compute_capability: tuple[int, int] | None = (
        None  # below it weights are stored so, computed in 16 bits
    )
    needs_imatrix: bool = False
    only_as_trained: bool = False  # ruins any model that was not trained with such weights
    quality: tuple[Quality, ...] = ()
    quality_note: str  # one sentence for a person
    source: Source

    def __hash__(self) -> int:
        """By id alone, as for Model."""
        return hash(self.id)
