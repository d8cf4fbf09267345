"""Text-generation-inference: a server that gives its KV cache what a warm-up prefill leaves."""

from shared.engines.tgi.launch import launch
from shared.engines.tgi.memory import memory
from shared.engines.tgi.process import process

__all__ = ["launch", "memory", "process"]
