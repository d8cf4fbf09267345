"""llama.cpp: what it allocates, how to start it, and how to read a running one."""

from shared.engines.llama_cpp.launch import launch
from shared.engines.llama_cpp.memory import memory
from shared.engines.llama_cpp.process import process

__all__ = ["launch", "memory", "process"]
