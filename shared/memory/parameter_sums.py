"""The parameters of a model's row held against the sum over its shape."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shared.catalog.rows import Model
from shared.memory.tensors import parameter_count

TOLERANCE: Final = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterSum:
    """What a model's shape and towers add up to; `off` is the share by which that misses the row's count."""

    model: Model
    summed: int

    @property
    def off(self) -> float:
        """How far the sum is from the published count, as a share of it."""
        return abs(self.summed - self.model.parameters) / self.model.parameters

    @property
    def agrees(self) -> bool:
        """Within half a percent."""
        return self.off <= TOLERANCE

    @property
    def problem(self) -> str:
        """What is wrong with the row; empty where they agree or the row says why not."""
        if self.agrees or self.model.parameters_note:
            return ""
        return (
            f"models.{self.model.id}.parameters: the shape adds up to {self.summed:,} and the row says "
            f"{self.model.parameters:,}; correct one of them, or say why in parameters_note"
        )


def parameter_sums(models: Iterable[Model]) -> tuple[ParameterSum, ...]:
    """The sum of every model.

    Raises:
        Unsupported: A model has layers whose weights we cannot derive.
    """
    return tuple(
        ParameterSum(
            model=model,
            summed=parameter_count(model.shape) + sum(tower.parameters for tower in model.towers),
        )
        for model in models
    )
