"""The rows of inference engines: their constants and how fast they decode."""

from dataclasses import dataclass
from typing import Annotated

from shared.catalog.row import Count, Limits, Row, Source


@dataclass(frozen=True, kw_only=True)
class Constant(Row):
    """A calibrated or looked-up number of an engine, with its evidence."""

    value: float
    unit: str
    samples: Count = 0
    error: float | None = None  # half-width of the 95 % interval, in the same unit
    source: Source


@dataclass(frozen=True, kw_only=True)
class Engine(Row):
    """An inference engine at a named version: defaults and calibrated numbers; the rules are code."""

    id: str  # "llama.cpp", "vllm", "tgi", "sglang", "transformers"
    name: str
    version: str
    aliases: tuple[str, ...] = ()
    constants: dict[str, Constant]
    source: Source

    def __hash__(self) -> int:
        """By id and version, as for Model."""
        return hash((self.id, self.version))


@dataclass(frozen=True, kw_only=True)
class DecodeSpeed(Row):
    """How one engine turns a card's bandwidth into tokens.

    Seconds per token = weights read / (efficiency x bandwidth) + KV cache read / (kv_efficiency x bandwidth)
    + layers x seconds_per_layer + hop_seconds for every further GPU of a layer split
    + layers x 2 all-reduces x 2 (GPUs - 1) hops x pcie_hop_seconds where tensor parallel goes over PCIe.

    `memory_class` groups the cards that behave alike ("nvidia-gddr", "nvidia-hbm", "apple", "host", …). `low` and
    `high` are the 5th and 95th percentile of measured over predicted speed on cards the fit has not seen.
    `measured_on` holds the ids of the GPUs measured; on any other the speed is said as not validated.
    `bandwidth_bytes_per_second` is only given for host memory, whose bandwidth no GPU row says.
    """

    id: str  # "llama.cpp/nvidia-gddr"
    engine: str
    memory_class: str
    efficiency: Annotated[float, Limits(gt=0, le=1)]
    kv_efficiency: Annotated[float, Limits(gt=0, le=1)]
    seconds_per_layer: Annotated[float, Limits(ge=0)]
    hop_seconds: Annotated[float, Limits(ge=0)] = 0.0
    pcie_hop_seconds: Annotated[float, Limits(ge=0)] = 0.0
    low: Annotated[float, Limits(gt=0)]
    high: Annotated[float, Limits(gt=0)]
    samples: Count = 0
    measured_on: tuple[str, ...] = ()
    bandwidth_bytes_per_second: Count = 0
    source: Source
