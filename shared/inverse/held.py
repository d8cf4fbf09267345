"""What cannot be had for less: bounds that only grow, for questions where llama.cpp's whole need may fall.

Weights, cache and states need no graph, so a bound costs a fraction of an attempt.
"""

from collections.abc import Sequence

from shared.errors import BadValue, Refused, Unsupported
from shared.inverse.attempt import NOTHING_HELPS
from shared.inverse.question import Question
from shared.memory.workload import Workload

# Rotation factors are held once by every GPU with layers, so their sum may fall when layers move together.
_REPEATED_MOST_BYTES = 64 * 1024


def missing_altogether(asked: Question, workload: Workload) -> int:
    """By how much weights, cache and states alone are more than all GPUs together can hold.

    Their sum grows with every layer on the GPUs, also where the share of the fullest GPU falls; so where it is too
    large, it is for all that ask for more.
    """
    held = _held(asked, workload)
    if held is None:
        return NOTHING_HELPS
    return sum(held) - _REPEATED_MOST_BYTES * len(held) - sum(asked.capacity_bytes)


def missing_somewhere(asked: Question, workload: Workload) -> int:
    """By how much they are more than the fullest GPU can hold.

    That grows with all that does not move layers: sequences, tokens, and experts taken back from the host. Of rows
    cut over the GPUs only the sum is held against them.
    """
    if workload.split_mode == "row":
        return missing_altogether(asked, workload)
    held = _held(asked, workload)
    if held is None:
        return NOTHING_HELPS
    return max(need - capacity for need, capacity in zip(held, asked.capacity_bytes, strict=True))


def _held(asked: Question, workload: Workload) -> Sequence[int] | None:
    from shared.engines.llama_cpp.memory import held_by_gpu  # noqa: PLC0415 - read when asked

    try:
        return held_by_gpu(workload, asked.found, asked.catalog.engines[workload.engine])
    except (BadValue, Refused, Unsupported):
        return None
