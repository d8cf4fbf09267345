"""A few layers that stand for all of a model's: repetitions in the middle are left out of the graph.

Compute buffers are as large as their largest moment. Layers that repeat come back to the same moments, so after the
first few repetitions no larger one can follow; what comes before and after a repetition is kept whole.
"""

from collections.abc import Hashable, Sequence
from typing import Final

_KEPT_REPETITIONS: Final = 5  # with 3 some hybrids' free blocks had not settled
_LONGEST_PERIOD: Final = 12


def sampled(keys: Sequence[Hashable]) -> tuple[int, ...]:
    """Indices of the layers to keep, in order. Layers with equal keys are interchangeable; the last is always kept."""
    kept: list[int] = []
    index, end = 0, len(keys) - 1
    while index < end:
        period, repetitions = _longest_repetition(keys, index, end)
        # free blocks may swap places from one repetition to the next, so those left out are even in number
        keeping = _KEPT_REPETITIONS + (repetitions - _KEPT_REPETITIONS) % 2
        if repetitions > keeping:
            # keep the first ones, and the last, which leads to what follows
            kept += range(index, index + period * (keeping - 1))
            last = index + period * (repetitions - 1)
            kept += range(last, last + period)
            index = last + period
        else:
            kept.append(index)
            index += 1
    kept.append(end)
    return tuple(kept)


def _longest_repetition(keys: Sequence[Hashable], start: int, end: int) -> tuple[int, int]:
    """The period from `start` whose repetitions cover most layers before `end`, and how often it repeats."""
    best = (1, 1)
    for period in range(1, min(_LONGEST_PERIOD, end - start) + 1):
        length = period
        while start + length < end and keys[start + length] == keys[start + length - period]:
            length += 1
        repetitions = length // period
        if repetitions > 1 and period * repetitions > best[0] * best[1]:
            best = (period, repetitions)
    return best
