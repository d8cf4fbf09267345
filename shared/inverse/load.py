"""A workload with another context or another number of sequences, counted as its engine counts them."""

from dataclasses import replace
from typing import Final

from shared.memory.workload import Workload

LLAMA_CPP: Final = "llama.cpp"
# llama.cpp pads a cache to 256 cells, vLLM hands out blocks of 16 tokens (larger ones are multiples); the others count
# single tokens.
_CONTEXT_STEP: Final = {LLAMA_CPP: 256, "vllm": 16}


def context_per_sequence(load: Workload) -> int:
    """The context of one sequence, whichever way the engine counts: llama.cpp's `-c` is that of all slots together."""
    return load.context_tokens // max(1, load.sequences) if load.engine == LLAMA_CPP else load.context_tokens


def with_context(load: Workload, tokens_per_sequence: int) -> Workload:
    """The same with another context for every sequence."""
    slots = load.sequences if load.engine == LLAMA_CPP else 1
    return replace(load, context_tokens=tokens_per_sequence * slots)


def with_sequences(load: Workload, sequences: int, tokens_per_sequence: int) -> Workload:
    """The same for this many sequences of this context each."""
    return with_context(replace(load, sequences=sequences), tokens_per_sequence)


def context_step(load: Workload) -> int:
    """Tokens per sequence by which a context grows: less than a step more costs as much as the whole step."""
    return _CONTEXT_STEP.get(load.engine, 1)
