"""What would fit the memory that is free right now: the planner's "what fits on this", asked of what is left."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from bot.fleet import Fleet, FleetGpu, FleetNode
from bot.room import kind_of, recognize
from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.errors import UserError
from shared.memory.breakdown import Verdict
from shared.planner.plan import Option
from shared.planner.planner import plan
from shared.question.query import Intent, Query
from shared.units import GIB

MOST_SPOTS: Final = 5
MOST_MODELS: Final = 4
SMALLEST_SPOT_BYTES: Final = 2 * GIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Free GPUs of one node and kind, and the largest models that would fit them together.

    `problem` is the planner's reason when it could not say.
    """

    node: FleetNode
    gpus: tuple[FleetGpu, ...]
    gpu: Gpu
    options: tuple[Option, ...]
    problem: str = ""

    @property
    def free_bytes(self) -> int:
        """What is free on the fullest of them."""
        return min(gpu.free_bytes or 0 for gpu in self.gpus)


def fits_now(fleet: Fleet, catalog: Catalog) -> tuple[Spot, ...]:
    """The best spots of the fleet, each with what fits there; spots alike but for their node are named once."""
    spots: list[Spot] = []
    seen: set[tuple[str, int, int]] = set()
    for node, gpus, row in sorted(_spots(fleet, catalog), key=_room, reverse=True):
        free = min(gpu.free_bytes or 0 for gpu in gpus)
        alike = (row.id, len(gpus), free // GIB)
        if alike not in seen and len(spots) < MOST_SPOTS:
            seen.add(alike)
            spots.append(_asked(Spot(node=node, gpus=gpus, gpu=row, options=()), catalog))
    return tuple(spots)


def _spots(fleet: Fleet, catalog: Catalog) -> Iterator[tuple[FleetNode, tuple[FleetGpu, ...], Gpu]]:
    """Per node and kind: the emptiest GPU, and the largest power of two of GPUs that are nearly as empty."""
    by_name = recognize(catalog)
    for node in fleet.nodes:
        kinds: dict[Gpu, list[FleetGpu]] = {}
        for gpu in node.gpus:
            row = kind_of(gpu, by_name, catalog)
            if not node.stale and row and (gpu.free_bytes or 0) >= SMALLEST_SPOT_BYTES:
                kinds.setdefault(row, []).append(gpu)
        for kind, gpus in kinds.items():
            gpus.sort(key=lambda gpu: -(gpu.free_bytes or 0))
            yield node, (gpus[0],), kind
            alike = [gpu for gpu in gpus if (gpu.free_bytes or 0) >= (gpus[0].free_bytes or 0) * 0.9]
            together = 1 << (len(alike).bit_length() - 1)
            if together > 1 and not gpus[0].mig_profile:
                yield node, tuple(alike[:together]), kind


def _room(spot: tuple[FleetNode, tuple[FleetGpu, ...], Gpu]) -> int:
    return len(spot[1]) * min(gpu.free_bytes or 0 for gpu in spot[1])


def _asked(spot: Spot, catalog: Catalog) -> Spot:
    """The spot with what fits GPUs of its kind that can give only what is free there."""
    left = replace(spot.gpu, memory_usable_bytes=min(spot.free_bytes, spot.gpu.memory_usable_bytes))
    query = Query(text="", intent=Intent.WHAT_FITS, gpu=left, gpu_count=len(spot.gpus))
    try:
        options = plan(query, catalog).options
    except UserError as error:
        return replace(spot, problem=error.sentence)
    return replace(
        spot, options=tuple(option for option in options if option.verdict is Verdict.FITS)[:MOST_MODELS]
    )
