"""One attempt at a workload on GPUs: an estimate, or the engine's sentence why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.errors import BadValue, NoRule, Refused, Unsupported
from shared.estimator import Estimate, estimate
from shared.memory.breakdown import Verdict
from shared.memory.workload import Workload
from shared.units import gib

NOTHING_HELPS: Final = 1 << 62  # bytes missing where there is no estimate
_NOT_REFUSED: Final = frozenset({Verdict.FITS, Verdict.TIGHT})


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of trying: an estimate, or why there is none.

    `is_unknown` where only our rule is missing for the model in this engine and its weights would fit.
    """

    estimate: Estimate | None
    reason: str = ""
    is_unknown: bool = False

    @property
    def fits(self) -> bool:
        """Whether it fits at the upper end of the error bar."""
        return self.estimate is not None and self.estimate.verdict is Verdict.FITS

    @property
    def may_fit(self) -> bool:
        """Whether it fits, or is tight."""
        return self.estimate is not None and self.estimate.verdict in _NOT_REFUSED

    @property
    def missing_bytes(self) -> int:
        """What is missing for a fit at the upper end of the error bar; not positive where it fits."""
        if self.estimate is None:
            return NOTHING_HELPS
        return self.estimate.uncertainty_bytes - self.estimate.slack_bytes


def attempt(
    workload: Workload, gpus: Sequence[Gpu], catalog: Catalog, free_bytes: Sequence[int] | None = None
) -> Attempt:
    """This workload on these GPUs; what the engine refuses, or we have no rule for, is an attempt that does not fit."""
    try:
        return attempt_by_rule(workload, gpus, catalog, free_bytes)
    except NoRule as error:
        return _without_a_rule(error, workload, gpus, free_bytes)


def attempt_by_rule(
    workload: Workload, gpus: Sequence[Gpu], catalog: Catalog, free_bytes: Sequence[int] | None = None
) -> Attempt:
    """The same where what fits is to be counted: without a rule for the model there is nothing to count.

    Raises:
        NoRule: We have no rule for this model in this engine.
    """
    try:
        return Attempt(estimate(workload, gpus, catalog, free_bytes=free_bytes))
    except NoRule:
        raise
    except (Refused, Unsupported, BadValue) as error:
        return Attempt(None, error.sentence)


def _without_a_rule(
    error: NoRule, workload: Workload, gpus: Sequence[Gpu], free_bytes: Sequence[int] | None
) -> Attempt:
    """Unknown, unless the weights alone are more than the GPUs hold."""
    capacity = sum(free_bytes) if free_bytes is not None else sum(gpu.memory_usable_bytes for gpu in gpus)
    if error.weights_bytes <= capacity:
        return Attempt(None, error.sentence, is_unknown=True)
    name = f"{workload.model.name} at {workload.quantization.name}"
    return Attempt(None, f"the weights alone of {name} take {gib(error.weights_bytes)} of {gib(capacity)}.")
