"""The row of a GPU."""

from dataclasses import dataclass
from typing import Annotated, Literal

from shared.catalog.row import Count, Limits, Positive, Row, Source


@dataclass(frozen=True, kw_only=True)
class MigProfile(Row):
    """A slice of a GPU: `memory_bytes` as NVML reports it for the instance."""

    name: str  # "3g.40gb"
    memory_bytes: Positive
    memory_measured: bool = True  # False: the slice's share of the total, less 5 percent
    count: Positive  # how many of them one GPU holds
    compute_slices: Positive


@dataclass(frozen=True, kw_only=True)
class Gpu(Row):
    """One GPU model (a memory size is part of the identity: A100 40GB and A100 80GB are two rows)."""

    id: Annotated[str, Limits(pattern=r"^[a-z0-9][a-z0-9.\-]*$")]
    name: str  # "A100 40GB"
    vendor: Literal["nvidia", "amd", "apple", "intel"]
    family: (
        str  # what a person says without the memory size: "A100"; rows of one family are each other's choices
    )
    aliases: tuple[str, ...] = ()
    nvml_names: tuple[str, ...] = ()  # product names as NVML prints them
    segment: Literal["datacenter", "workstation", "consumer", "laptop", "embedded", "apu"]
    architecture: str
    compute_capability: tuple[int, int] | None = None
    memory_marketed_gb: Positive
    memory_total_bytes: Positive  # as NVML reports it
    memory_usable_bytes: Positive  # what CUDA can really allocate on an empty GPU (the CUDA total)
    memory_usable_measured: bool  # False: total less a typical driver reserve
    unified_memory: bool = False
    bandwidth_bytes_per_second: Positive
    memory_type: str
    tflops_fp16: float | None = None  # dense tensor rates
    tflops_fp8: float | None = None
    tflops_fp4: float | None = None
    tflops_int8: float | None = None
    nvlink_bytes_per_second: Count = 0  # both directions together, as vendors state it
    pcie_bytes_per_second: Count = 0  # one direction
    supports_bf16: bool = True
    supports_fp8: bool = False
    supports_fp4: bool = False
    mig_profiles: tuple[MigProfile, ...] = ()
    launched: int | None = None
    confidence: Literal["seen", "vendor", "derived", "recalled"]
    source: Source
    memory_source: Source
    bandwidth_source: Source

    def __hash__(self) -> int:
        """By id as for Model, and by what can be allocated: a live fleet has the same card with any amount free."""
        return hash((self.id, self.memory_usable_bytes))
