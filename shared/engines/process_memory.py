"""What a CUDA process holds before any model: its context, and communicators when it is one of several."""

import math
from collections.abc import Sequence
from functools import lru_cache

from shared.catalog.rows import Constant, Engine, Gpu
from shared.engines.versions import at_version
from shared.units import MIB


def context_class(gpu: Gpu) -> str:
    """Which measured CUDA context this GPU's resembles."""
    if gpu.architecture.startswith("Blackwell"):
        return "blackwell"
    if gpu.segment == "datacenter":
        return "datacenter"
    return "ada" if gpu.architecture.startswith("Ada") else "older"


@lru_cache(maxsize=4096)
def before_model(gpu: Gpu, ranks: int, facts: Engine, version: str) -> tuple[int, float]:
    """Bytes gone on one GPU of `ranks`, and the half-width of their 95 % interval."""
    constants = [at_version(facts, f"context_mib.{context_class(gpu)}", version)]
    if ranks > 1:
        constants.append(at_version(facts, f"communicator_mib.{link(gpu)}", version))
    return total_bytes(constants), error_bytes(constants)


def link(gpu: Gpu) -> str:
    """How several of this GPU talk."""
    return "nvlink" if gpu.nvlink_bytes_per_second else "pcie"


def total_bytes(constants: Sequence[Constant]) -> int:
    """The sum of constants in MiB."""
    return round(sum(constant.value for constant in constants) * MIB)


def error_bytes(constants: Sequence[Constant]) -> float:
    """The error of that sum; the constants' own errors are independent."""
    return math.hypot(*((constant.error or 0) * MIB for constant in constants))
