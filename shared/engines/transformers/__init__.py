"""Transformers: generation in a Python process, layers spread over the GPUs by accelerate's device map."""

from shared.engines.transformers.launch import launch
from shared.engines.transformers.memory import memory
from shared.engines.transformers.process import process

__all__ = ["launch", "memory", "process"]
