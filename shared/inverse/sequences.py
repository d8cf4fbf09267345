"""The most sequences that fit at once."""

from collections.abc import Sequence
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.inverse.answer import Answer, Solved, why_not
from shared.inverse.attempt import Attempt
from shared.inverse.held import missing_somewhere
from shared.inverse.load import LLAMA_CPP, context_per_sequence, with_sequences
from shared.inverse.question import question
from shared.inverse.search import last_by_pieces, last_within
from shared.memory.workload import Workload

_LLAMA_CPP_SLOTS: Final = 256  # LLAMA_MAX_SEQ
MOST: Final = 4096  # more than any one server runs at once


def most_sequences(
    workload: Workload,
    gpus: Sequence[Gpu],
    catalog: Catalog,
    *,
    free_bytes: Sequence[int] | None = None,
) -> Answer:
    """The most sequences of this workload's context that have room at once, all of them full.

    Never more than the engine runs at once: llama.cpp 256 slots, vLLM its `--max-num-seqs` (given, or its default on
    this GPU), SGLang and text-generation-inference what is given.

    Servers and transformers need no less for more sequences, so the edge is found by halving. llama.cpp rounds its
    micro batch up to a multiple of the sequences (`graph_reserve` of llama-context.cpp), so that 64 can need less
    than 63: every number is tried, from the largest down that weights, cache and states leave possible.

    llama.cpp's context is shared out over the sequences the workload says, and that share is kept. Without
    `free_bytes` the GPUs are empty.

    Raises:
        UserError: No GPU, no such engine, or no rule for the model in it.
    """
    asked = question(workload, gpus, catalog, free_bytes)
    context = context_per_sequence(workload)
    most, limit = _limit(workload, gpus[0], catalog)

    def at(sequences: int) -> Attempt:
        return asked.attempted(with_sequences(workload, sequences, context))

    if workload.engine == LLAMA_CPP:
        possible = last_within(
            lambda count: missing_somewhere(asked, with_sequences(workload, count, context)), most
        )
        found = last_by_pieces(lambda count: at(count).missing_bytes, possible, lambda count: count)
    else:
        found = last_within(lambda count: at(count).missing_bytes, most)
    if found == most:
        return asked.answer(Solved.SEQUENCES, found, at(found), limit)
    reason = why_not(f"One more, {found + 1:,} at once,", at(found + 1))
    return asked.answer(Solved.SEQUENCES, found or None, at(found), reason, found + 1, at(found + 1))


def _limit(workload: Workload, gpu: Gpu, catalog: Catalog) -> tuple[int, str]:
    """How many the engine runs at once whatever the memory, and the sentence on that."""
    if workload.engine == LLAMA_CPP:
        return _LLAMA_CPP_SLOTS, f"llama.cpp has {_LLAMA_CPP_SLOTS} slots at most."
    if workload.max_num_seqs is not None:
        return workload.max_num_seqs, f"No more than {workload.max_num_seqs:,} are allowed at once."
    if workload.engine == "vllm":
        default = _vllm_default(workload, gpu, catalog)
        return default, f"vLLM runs {default:,} at once on this GPU; --max-num-seqs allows more."
    return MOST, f"No more than {MOST:,} were looked for."


def _vllm_default(workload: Workload, gpu: Gpu, catalog: Catalog) -> int:
    from shared.engines.vllm.rules import rules_at  # noqa: PLC0415 - read when asked
    from shared.engines.vllm.run import default_batch  # noqa: PLC0415 - read when asked

    default, _ = default_batch(gpu, rules_at(catalog.engines["vllm"], workload.engine_version))
    return default * (1 if workload.data_parallel_attention else workload.data_parallel or 1)
