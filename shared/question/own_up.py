"""What a question said that an answer leaves out: said, since it may be what matters."""

import re
from dataclasses import replace
from typing import Final

from shared.errors import shown
from shared.question.query import Ambiguity, Query
from shared.question.remaining import Remaining
from shared.units import GIB

_MOST_LISTED: Final = 4
_MOST_GPUS: Final = 64  # of a count that lost its word
_MOST_THOUSANDS: Final = 1_024
_MOST_GIB: Final = 1_024
_TRAINING: Final = re.compile(
    r"(?<!\w)(?:fine[- ]?tun(?:e|ing)|(?:pre-?)?train(?:ing)?|q?lora(?! adapters?)|sft|rlhf|dpo)(?!\w)"
)
_QUANTIZATION_AWARE: Final = re.compile(r"(?<![a-z])qat(?![a-z])")
_SIDE_BY_SIDE: Final = re.compile(
    r"\b(?:co-?locat\w+|alongside|side by side|together|same (?:gpu|card|time|machine|node)|simultaneous\w*)(?!\w)"
)
_OWN_MIX: Final = re.compile(r"(?<![a-z0-9])ud[-_ ](?=i?q\d)")
_WITHOUT_GPU: Final = re.compile(
    r"(?<!\w)(?:(?:without|no|w/o)(?: an?| any)? (?:dedicated |discrete )?gpus?|cpu[ -]only|only (?:a |the |on )?cpu|"
    r"on (?:the |my |a )?cpu)(?!\w)"
)


def own_up(question: Remaining, *, models: int, has_gpu: bool, has_quantization: bool) -> None:
    """Say what was not understood, and what is understood and not planned."""
    if models > 1 and _SIDE_BY_SIDE.search(question.whole):
        question.warnings.append("I plan each model alone: together they need the sum of what each takes.")
    if not has_quantization and _QUANTIZATION_AWARE.search(question.whole):
        question.warnings.append("QAT names how a model was trained, not its file: say Q4_0 to plan that.")
    if has_quantization and _OWN_MIX.search(question.whole):
        question.warnings.append(
            "Unsloth's UD files mix types of their own, mostly larger ones: I plan the plain type of that name."
        )
    if _TRAINING.search(question.whole):
        question.warnings.append(
            "I plan running a model; training it also takes gradients, optimizer state and activations."
        )
    if not has_gpu and _WITHOUT_GPU.search(question.whole):
        question.warnings.append(
            "I plan GPUs. What a CPU alone needs of the host: fit estimate --engine llama.cpp --gpu-layers 0."
        )
    unread = question.unread_numbers()
    if unread:
        listed = ", ".join(shown(number) for number in unread[:_MOST_LISTED])
        question.warnings.append(f"I made no use of {listed} in your question.")


def _numbers_said(query: Query) -> set[int]:
    """Numbers that say again what was read elsewhere, and 1, which is what is taken where nothing is said."""
    counts = {
        1,
        query.gpu_count,
        query.sequences,
        query.tensor_parallel,
        query.gpu_layers,
        query.context_tokens,
    }
    counts |= {query.context_tokens // 1024} if query.context_tokens else set()
    counts |= {size // GIB for size in (query.gpu_memory_bytes, query.host_memory_bytes) if size}
    counts |= {query.gpu.memory_marketed_gb} if query.gpu else set()
    return {count for one in query.ambiguous for count in one.counts} | {
        one for one in counts if one is not None
    }


def ask_for_a_number(question: Remaining, query: Query) -> Query:
    """Ask what the first number means that nobody made use of, with what it may be that the question does not say."""
    said = _numbers_said(query)
    given, value = next(
        ((given, count) for given, count in question.unread_counts() if count not in said), ("", 0)
    )
    if not given:
        return query
    unsaid = {
        f"{value} GPUs": query.gpu_count is None and 1 <= value <= _MOST_GPUS,
        f"{value} users": query.sequences is None and value >= 1,
        f"{value}k context": query.context_tokens is None and 1 <= value <= _MOST_THOUSANDS,
        f"{value} tokens of context": query.context_tokens is None and value > _MOST_THOUSANDS,
        f"{value} GiB of VRAM": query.gpu is None
        and query.gpu_memory_bytes is None
        and 1 <= value <= _MOST_GIB,
    }
    choices = tuple(choice for choice, is_unsaid in unsaid.items() if is_unsaid)
    if not choices:
        return query
    asked = Ambiguity(field="number", given=given, choices=choices)
    return replace(query, ambiguous=(*query.ambiguous, asked))
