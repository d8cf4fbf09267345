"""What a question said that an answer leaves out: said, since it may be what matters."""

import re
from typing import Final

from shared.errors import shown
from shared.question.remaining import Remaining

_MOST_LISTED: Final = 4
_TRAINING: Final = re.compile(
    r"(?<!\w)(?:fine[- ]?tun(?:e|ing)|(?:pre-?)?train(?:ing)?|q?lora|sft|rlhf|dpo)(?!\w)"
)
_QUANTIZATION_AWARE: Final = re.compile(r"(?<![a-z])qat(?![a-z])")
_WITHOUT_GPU: Final = re.compile(
    r"(?<!\w)(?:(?:without|no|w/o)(?: an?| any)? (?:dedicated |discrete )?gpus?|cpu[ -]only|only (?:a |the |on )?cpu|"
    r"on (?:the |my |a )?cpu)(?!\w)"
)


def own_up(question: Remaining, *, has_gpu: bool, has_quantization: bool) -> None:
    """Say what was not understood, and what is understood and not planned."""
    if not has_quantization and _QUANTIZATION_AWARE.search(question.whole):
        question.warnings.append("QAT names how a model was trained, not its file: say Q4_0 to plan that.")
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
