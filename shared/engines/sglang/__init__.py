"""SGLang: one server over one or more GPUs that reserves a static share of memory."""

from typing import Final

from shared.engines.engine import FreeMemory
from shared.engines.sglang.launch import launch
from shared.engines.sglang.memory import memory
from shared.engines.sglang.process import process

FREE_MEMORY: Final = FreeMemory.BUDGET

__all__ = ["FREE_MEMORY", "launch", "memory", "process"]
