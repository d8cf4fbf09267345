"""vLLM: one server over one or more GPUs that reserves its KV cache up front."""

from typing import Final

from shared.engines.engine import FreeMemory
from shared.engines.vllm.launch import launch
from shared.engines.vllm.memory import memory
from shared.engines.vllm.process import process

FREE_MEMORY: Final = FreeMemory.IGNORED

__all__ = ["FREE_MEMORY", "launch", "memory", "process"]
