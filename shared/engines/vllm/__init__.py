"""vLLM: one server over one or more GPUs that reserves its KV cache up front."""

from shared.engines.vllm.launch import launch
from shared.engines.vllm.memory import memory
from shared.engines.vllm.process import process

__all__ = ["launch", "memory", "process"]
