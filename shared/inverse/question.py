"""What every inverse question starts from: GPUs to hold the bytes against, and attempts remembered."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.errors import UserError
from shared.estimator import as_found
from shared.inverse.answer import Answer, Solved
from shared.inverse.attempt import Attempt, attempt_by_rule
from shared.memory.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The hardware a question is asked of; `found` is what the engine sees of it (`shared.estimator.as_found`)."""

    gpus: tuple[Gpu, ...]
    found: tuple[Gpu, ...]
    catalog: Catalog
    free_bytes: tuple[int, ...] | None
    _made: dict[Workload, Attempt] = field(default_factory=dict, compare=False, repr=False)

    @property
    def capacity_bytes(self) -> tuple[int, ...]:
        """What each GPU can hold."""
        return self.free_bytes or tuple(gpu.memory_usable_bytes for gpu in self.gpus)

    def attempted(self, workload: Workload) -> Attempt:
        """The workload on this hardware; asked again it is not estimated again. Raises NoRule as the attempt does."""
        made = self._made.get(workload)
        if made is None:
            made = self._made[workload] = attempt_by_rule(workload, self.gpus, self.catalog, self.free_bytes)
        return made

    def answer(
        self,
        solved: Solved,
        value: int | str | None,
        made: Attempt,
        reason: str,
        beyond: int | str | None = None,
        beyond_made: Attempt | None = None,
    ) -> Answer:
        """The answer, with the estimates at it and one step on."""
        return Answer(
            solved=solved,
            value=value,
            estimate=None if value is None else made.estimate,
            beyond=beyond,
            beyond_estimate=beyond_made.estimate if beyond_made else None,
            reason=reason,
        )


def question(
    workload: Workload, gpus: Sequence[Gpu], catalog: Catalog, free_bytes: Sequence[int] | None
) -> Question:
    """The question on this hardware.

    Raises:
        UserError: There is no GPU to hold the bytes against.
    """
    if not gpus:
        raise UserError(
            f"How much of {workload.model.name} fits depends on a GPU: name one, for example --gpu 4090.",
            field="gpu",
        )
    return Question(
        gpus=tuple(gpus),
        found=tuple(as_found(workload.engine, gpus, free_bytes)),
        catalog=catalog,
        free_bytes=None if free_bytes is None else tuple(free_bytes),
    )
