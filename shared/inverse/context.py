"""The longest context that fits."""

from collections.abc import Callable, Sequence

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.inverse.answer import Answer, Solved, why_not
from shared.inverse.attempt import Attempt
from shared.inverse.held import missing_somewhere
from shared.inverse.load import LLAMA_CPP, context_per_sequence, context_step, with_context
from shared.inverse.question import Question, question
from shared.inverse.search import last_by_pieces, last_within
from shared.memory.workload import Workload
from shared.units import ceil_div


def longest_context(
    workload: Workload,
    gpus: Sequence[Gpu],
    catalog: Catalog,
    *,
    most_tokens: int | None = None,
    free_bytes: Sequence[int] | None = None,
) -> Answer:
    """The longest context every sequence of this workload can have at once, up to the model's own.

    Counted as the engine's own flag does (llama.cpp's `-c` is that of all slots) and in the engine's own steps:
    llama.cpp pads a cache to 256 cells, vLLM hands out blocks of 16 tokens, the others count tokens.

    Servers and transformers need no less for a longer context (nothing but the cache and, in transformers, the
    prefill follows from it, and both grow), so the edge is found by halving. llama.cpp's compute buffers may fall
    where the allocator chooses other blocks; it is halved within each stretch over which the choices are the same
    (`even_from`), from the longest context down that weights and cache leave possible.

    The workload's own context is not read. `most_tokens` is per sequence; without `free_bytes` the GPUs are empty.

    Raises:
        UserError: No GPU, no such engine, or no rule for the model in it.
    """
    asked = question(workload, gpus, catalog, free_bytes)
    limit = min(most_tokens or workload.model.context_tokens, workload.model.context_tokens)
    step = context_step(workload)
    most = ceil_div(limit, step)

    def at(steps: int) -> Attempt:
        return asked.attempted(with_context(workload, min(limit, steps * step)))

    found = _edge(asked, workload, at, most, lambda steps: min(limit, steps * step))
    value = with_context(workload, min(limit, found * step)).context_tokens
    if found == most:
        made = limit == workload.model.context_tokens
        reason = f"{workload.model.name} was made for no more." if made else "No longer one was asked for."
        return asked.answer(Solved.CONTEXT, value, at(found), reason)
    beyond = with_context(workload, min(limit, (found + 1) * step)).context_tokens
    reason = why_not(f"A context of {beyond:,} tokens", at(found + 1))
    return asked.answer(Solved.CONTEXT, value or None, at(found), reason, beyond, at(found + 1))


def tokens_per_sequence(answer: Answer) -> int:
    """The longest context of one sequence; 0 where none fits."""
    return context_per_sequence(answer.estimate.workload) if answer.estimate is not None else 0


def _edge(
    asked: Question,
    workload: Workload,
    at: Callable[[int], Attempt],
    most: int,
    context: Callable[[int], int],
) -> int:
    """Steps of the longest context that fits; 0 when none does."""
    if workload.engine != LLAMA_CPP:
        return last_within(lambda steps: at(steps).missing_bytes, most)
    from shared.engines.llama_cpp.even import even_from  # noqa: PLC0415 - read when asked

    possible = last_within(
        lambda steps: missing_somewhere(asked, with_context(workload, context(steps))), most
    )
    slots, step = workload.sequences, context_step(workload)

    def piece_start(steps: int) -> int:
        changed = with_context(workload, context(steps))
        return ceil_div(even_from(changed, asked.found, asked.catalog.engines[LLAMA_CPP]), step * slots)

    return last_by_pieces(lambda steps: at(steps).missing_bytes, possible, piece_start)
