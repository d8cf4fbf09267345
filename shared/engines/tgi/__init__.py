"""Text-generation-inference: a server that gives its KV cache what a warm-up prefill leaves."""

from typing import Final

from shared.engines.engine import FreeMemory
from shared.engines.tgi.launch import launch
from shared.engines.tgi.memory import memory
from shared.engines.tgi.process import process

FREE_MEMORY: Final = FreeMemory.BUDGET

__all__ = ["FREE_MEMORY", "launch", "memory", "process"]
