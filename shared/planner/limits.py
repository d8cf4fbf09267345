"""The inverse questions, solved by halving: more of anything never needs less memory."""

from collections.abc import Callable
from dataclasses import replace

from shared.catalog.catalog import Catalog
from shared.estimator import Estimate
from shared.memory.breakdown import Verdict
from shared.planner.fit import Attempt, at_context, attempt
from shared.planner.workloads import context_per_sequence
from shared.units import ceil_div


def largest(fits: Callable[[int], bool], most: int) -> int:
    """The largest number from 0 to `most` for which `fits` holds, when it holds for all smaller ones; 0 is free."""
    low, high = 0, most
    if most > 0 and fits(most):
        return most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def smallest(fits: Callable[[int], bool], least: int, most: int) -> int | None:
    """The smallest number from `least` to `most` for which `fits` holds, when it holds for all larger ones."""
    if not fits(most):
        return None
    below = largest(lambda number: not fits(least + number - 1), most - least)
    return least + below


def longest_context(found: Estimate, catalog: Catalog, most_tokens: int | None = None) -> int:
    """Tokens per sequence of the longest context that fits this layout, up to the model's own; 0 when none does.

    Counted in the engine's own steps: llama.cpp pads a cache to 256 cells, the servers hand out blocks of 16.
    """
    step = 256 if found.workload.engine == "llama.cpp" else 16
    limit = most_tokens or found.workload.model.context_tokens

    def holds(steps: int) -> bool:
        return at_context(found, min(limit, steps * step), catalog).fits

    return min(limit, step * largest(holds, ceil_div(limit, step)))


def most_sequences(found: Estimate, catalog: Catalog, most: int = 4096) -> int:
    """How many sequences of the asked context fit at once."""
    context = context_per_sequence(found.workload)

    def holds(count: int) -> bool:
        return with_sequences(found, count, context, catalog).fits

    return largest(holds, most)


def with_sequences(found: Estimate, sequences: int, context_tokens: int, catalog: Catalog) -> Attempt:
    """The same workload for `sequences` users of this context each."""
    load = found.workload
    total = context_tokens * sequences if load.engine == "llama.cpp" else context_tokens
    changed = replace(load, sequences=sequences, context_tokens=total)
    return attempt(changed, found.gpus[0], len(found.gpus), catalog)


def is_good(found: Estimate | None) -> bool:
    """Whether it fits at the upper end of the error bar."""
    return found is not None and found.verdict is Verdict.FITS
