"""llama.cpp: what it allocates, how to start it, and how to read a running one."""

from typing import Final

from shared.engines.engine import FreeMemory
from shared.engines.llama_cpp.launch import launch
from shared.engines.llama_cpp.memory import memory
from shared.engines.llama_cpp.process import process

FREE_MEMORY: Final = FreeMemory.SHARES

__all__ = ["FREE_MEMORY", "launch", "memory", "process"]
