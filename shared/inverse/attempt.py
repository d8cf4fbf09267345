"""One attempt at a workload on GPUs: an estimate, or the engine's sentence why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.errors import BadValue, Refused, Unsupported
from shared.estimator import Estimate, estimate
from shared.memory.breakdown import Verdict
from shared.memory.workload import Workload

_NOT_REFUSED: Final = frozenset({Verdict.FITS, Verdict.TIGHT})


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of trying: an estimate, or why there is none."""

    estimate: Estimate | None
    reason: str = ""

    @property
    def fits(self) -> bool:
        """Whether it fits at the upper end of the error bar."""
        return self.estimate is not None and self.estimate.verdict is Verdict.FITS

    @property
    def may_fit(self) -> bool:
        """Whether it fits, or is tight."""
        return self.estimate is not None and self.estimate.verdict in _NOT_REFUSED


def attempt(
    workload: Workload, gpus: Sequence[Gpu], catalog: Catalog, free_bytes: Sequence[int] | None = None
) -> Attempt:
    """This workload on these GPUs; what the engine refuses, or we have no rule for, is an attempt that does not fit."""
    try:
        return Attempt(estimate(workload, gpus, catalog, free_bytes=free_bytes))
    except (Refused, Unsupported, BadValue) as error:
        return Attempt(None, error.sentence)
