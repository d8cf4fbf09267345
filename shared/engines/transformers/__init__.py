"""Transformers: generation in a Python process, layers spread over the GPUs by accelerate's device map."""

from typing import Final

from shared.engines.engine import FreeMemory
from shared.engines.transformers.launch import launch
from shared.engines.transformers.memory import memory
from shared.engines.transformers.process import process

FREE_MEMORY: Final = FreeMemory.LAYERS

__all__ = ["FREE_MEMORY", "launch", "memory", "process"]
