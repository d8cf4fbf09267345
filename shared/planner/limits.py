"""The inverse questions, solved by halving: more of anything never needs less memory."""

from collections.abc import Callable
from dataclasses import replace

from shared.catalog.catalog import Catalog
from shared.estimator import Estimate
from shared.planner.fit import Attempt, at_context, attempt
from shared.planner.workloads import context_per_sequence
from shared.units import ceil_div


def largest(fits: Callable[[int], bool], most: int, *, guess: int | None = None) -> int:
    """The largest number from 0 to `most` for which `fits` holds, when it holds for all smaller ones; 0 is free.

    A good guess saves most of the halving: the edge is looked for around it in growing steps first.
    """
    low, high = 0, most + 1  # fits(low) holds, fits(high) is taken not to
    if guess is not None and 0 < guess <= most:
        low, high = _around(fits, guess, most)
    elif most > 0 and fits(most):
        return most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _around(fits: Callable[[int], bool], guess: int, most: int) -> tuple[int, int]:
    """Bounds of the edge near a guess: the lower one holds, the upper one does not (or is beyond `most`)."""
    step = 1
    if fits(guess):
        low = guess
        while low + step <= most:
            if not fits(low + step):
                return low, low + step
            low, step = low + step, step * 4
        return (most, most + 1) if low == most or fits(most) else (low, most)
    high = guess
    while high - step > 0:
        if fits(high - step):
            return high - step, high
        high, step = high - step, step * 4
    return 0, high


def smallest(fits: Callable[[int], bool], least: int, most: int, *, guess: int | None = None) -> int | None:
    """The smallest number from `least` to `most` for which `fits` holds, when it holds for all larger ones."""
    if not fits(most):
        return None
    # counted down from the top: the most that can be taken away
    spare = largest(
        lambda number: fits(most - number), most - least, guess=None if guess is None else most - guess
    )
    return most - spare


def longest_context(found: Estimate, catalog: Catalog, most_tokens: int | None = None) -> int:
    """Tokens per sequence of the longest context that fits this layout, up to the model's own; 0 when none does.

    Counted in the engine's own steps: llama.cpp pads a cache to 256 cells, the servers hand out blocks of 16.
    """
    step = 256 if found.workload.engine == "llama.cpp" else 16
    limit = most_tokens or found.workload.model.context_tokens

    def holds(steps: int) -> bool:
        return at_context(found, min(limit, steps * step), catalog).fits

    return min(
        limit, step * largest(holds, ceil_div(limit, step), guess=_context_guess(found, limit) // step)
    )


def _context_guess(found: Estimate, limit: int) -> int:
    """Where the edge would be if every layer kept every token: the slack over the cache of one token."""
    context = context_per_sequence(found.workload)
    cache = max((device.kv_cache_bytes for device in found.breakdown.per_gpu), default=0)
    if not cache:
        return 0
    return max(0, min(limit, context + (found.slack_bytes - found.uncertainty_bytes) * context // cache))


def most_sequences(found: Estimate, catalog: Catalog, most: int = 4096) -> int:
    """How many sequences of the asked context fit at once."""
    context = context_per_sequence(found.workload)

    def holds(count: int) -> bool:
        return with_sequences(found, count, context, catalog).fits

    guess = _context_guess(found, context * most) * found.workload.sequences // context
    return largest(holds, most, guess=guess)


def with_sequences(found: Estimate, sequences: int, context_tokens: int, catalog: Catalog) -> Attempt:
    """The same workload for `sequences` users of this context each."""
    load = found.workload
    total = context_tokens * sequences if load.engine == "llama.cpp" else context_tokens
    changed = replace(load, sequences=sequences, context_tokens=total)
    return attempt(changed, found.gpus[0], len(found.gpus), catalog)
