"""What an inverse question is answered with: the number, the estimate there, and what stops one step more."""

from dataclasses import dataclass
from enum import StrEnum

from shared.estimator import Estimate, cannot_start
from shared.inverse.attempt import Attempt
from shared.memory.breakdown import Verdict
from shared.units import MIB, gib


class Solved(StrEnum):
    """What is solved for."""

    CONTEXT = "context"
    SEQUENCES = "sequences"
    GPU_LAYERS = "layers"
    CPU_EXPERT_LAYERS = "experts"
    QUANTIZATION = "quantization"
    GPUS = "gpus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to one inverse question.

    Attributes:
        solved: What was solved for.
        value: The answer as the engine's own flag takes it, or a quantization's id; None where nothing fits.
        estimate: The whole estimate at the answer; None where nothing fits.
        beyond: The next step a person would want, which does not fit; None where the answer is all there is.
        beyond_estimate: The estimate there, unless the engine refuses it.
        reason: Why there is no more, as a sentence.
    """

    solved: Solved
    value: int | str | None
    estimate: Estimate | None
    beyond: int | str | None
    beyond_estimate: Estimate | None
    reason: str


def why_not(beyond: str, made: Attempt) -> str:
    """The sentence on the step that does not fit: `beyond` names it."""
    found = made.estimate
    if found is None:
        return made.reason
    if start := cannot_start(found.breakdown, found.gpus, found.capacity_bytes):
        return start
    if found.verdict is Verdict.TIGHT:
        over = found.uncertainty_bytes - found.slack_bytes
        return f"{beyond} may not fit: the upper end of the error bar is {_size(over)} over."
    return f"{beyond} does not fit: {_size(-found.slack_bytes)} are missing on the fullest GPU."


def _size(size_bytes: int) -> str:
    """GiB, and MiB where that would say 0.00."""
    return gib(size_bytes, digits=2) if size_bytes > 10 * MIB else f"{size_bytes / MIB:.2f} MiB"
