"""Memory that is neither weights nor activations: the CUDA context, communicators, libraries."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.catalog.rows import Engine, Gpu
from shared.engines.process_memory import before_model, error_bytes, link, total_bytes
from shared.engines.versions import at_version

_HOPPER: Final = (9, 0)
_SWITCH_RANKS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Bytes on one GPU, with the half-width of the 95 % interval of both and of the first alone.

    Attributes:
        before_bytes: What is gone before vLLM looks at the GPU: context and communicators, outside its budget.
        non_torch_bytes: What grows outside PyTorch while it profiles, inside its budget.
    """

    before_bytes: int
    non_torch_bytes: int
    error_bytes: int
    before_error_bytes: int


@lru_cache(maxsize=4096)
def outside(gpu: Gpu, tensor: int, pipeline: int, data: int, facts: Engine, version: str) -> Outside:
    """The overhead of one rank on this GPU; `data` engines that share experts have communicators too."""
    before, before_error = before_model(gpu, tensor * pipeline * data, facts, version)
    if tensor > 1:
        name = f"non_torch_{_kind_of_link(gpu, tensor)}_mib"
    elif pipeline > 1:
        name = "non_torch_pipeline_mib"
    else:
        name = "non_torch_before_hopper_mib" if _before_hopper(gpu) else "non_torch_mib"
    inside = [at_version(facts, name, version)]
    return Outside(
        before_bytes=before,
        non_torch_bytes=total_bytes(inside),
        error_bytes=round(math.hypot(before_error, error_bytes(inside))),
        before_error_bytes=round(before_error),
    )


def _kind_of_link(gpu: Gpu, tensor: int) -> str:
    """NVLink before Hopper is apart: vLLM's symmetric-memory and fused all-reduces take compute capability 9.0.

    So are more than two ranks on Hopper: NCCL reduces inside the switch (NVLS) from three on, with buffers of its own.
    """
    kind = link(gpu)
    if kind != "nvlink":
        return kind
    if _before_hopper(gpu):
        return "nvlink_before_hopper"
    return kind if tensor < _SWITCH_RANKS else "nvlink_switch"


def _before_hopper(gpu: Gpu) -> bool:
    return gpu.compute_capability is not None and gpu.compute_capability < _HOPPER
