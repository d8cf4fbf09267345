"""SGLang: one server over one or more GPUs that reserves a static share of memory."""

from shared.engines.sglang.launch import launch
from shared.engines.sglang.memory import memory
from shared.engines.sglang.process import process

__all__ = ["launch", "memory", "process"]
