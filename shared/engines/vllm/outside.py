"""Memory that is neither weights nor activations: the CUDA context, communicators, libraries."""

from dataclasses import dataclass
from functools import lru_cache

from shared.catalog.rows import Constant, Engine, Gpu
from shared.engines.gpu_class import context_class
from shared.engines.versions import at_version
from shared.units import MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Bytes on one GPU, with the half-width of their 95 % interval.

    Attributes:
        before_bytes: What is gone before vLLM looks at the GPU: context and communicators, outside its budget.
        non_torch_bytes: What grows outside PyTorch while it profiles, inside its budget.
    """

    before_bytes: int
    non_torch_bytes: int
    error_bytes: int


@lru_cache(maxsize=4096)
def outside(gpu: Gpu, tensor: int, pipeline: int, facts: Engine, version: str) -> Outside:
    """The overhead of one rank on this GPU."""
    link = "nvlink" if gpu.nvlink_bytes_per_second else "pcie"
    before = [at_version(facts, f"context_mib.{context_class(gpu)}", version)]
    if tensor * pipeline > 1:
        before.append(at_version(facts, f"communicator_mib.{link}", version))
    if tensor > 1:
        inside = at_version(facts, f"non_torch_{link}_mib", version)
    elif pipeline > 1:
        inside = at_version(facts, "non_torch_pipeline_mib", version)
    else:
        inside = at_version(facts, "non_torch_mib", version)
    variance = sum((constant.error or 0) ** 2 for constant in (*before, inside))
    return Outside(
        before_bytes=_bytes(*before), non_torch_bytes=_bytes(inside), error_bytes=round(variance**0.5 * MIB)
    )


def _bytes(*constants: Constant) -> int:
    return round(sum(constant.value for constant in constants) * MIB)
