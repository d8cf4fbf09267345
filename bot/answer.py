"""A query, the catalog and the fleet become an Answer: the plan, and where its options could run right now."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from bot.fleet import Fleet, LiveFleet
from shared.catalog.catalog import Catalog
from shared.memory.breakdown import Verdict
from shared.planner.owned import Owned
from shared.planner.plan import Option, Plan
from shared.planner.planner import plan
from shared.question.query import Query

if TYPE_CHECKING:
    from bot.room import Rooms

MOST_PLACED: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """One option and the places it could go now."""

    option: Option
    rooms: "Rooms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """All a reply is made of.

    Attributes:
        fleet: The look at our GPUs, the reason there is none, or None when no source is configured.
        placements: The plan's options that fit an empty GPU, in the plan's order, held against the fleet; empty
            without a look.
    """

    plan: Plan
    fleet: LiveFleet
    placements: tuple[Placement, ...]
    catalog_date: date


def answer(query: Query, catalog: Catalog, fleet: LiveFleet) -> Answer:
    """The answer to `query`. Raises UserError where the planner does."""
    return placed(plan(query, catalog, owned_of(fleet, catalog)), catalog, fleet)


def owned_of(fleet: LiveFleet, catalog: Catalog) -> Owned:
    """The GPUs we have, which a plan offers first; none without a look at them."""
    if not isinstance(fleet, Fleet):
        return ()
    from bot.owned import owned_gpus  # noqa: PLC0415 - a shell without a fleet owns nothing

    return owned_gpus(fleet, catalog)


def placed(the_plan: Plan, catalog: Catalog, fleet: LiveFleet) -> Answer:
    """The plan held against the fleet."""
    placements: tuple[Placement, ...] = ()
    if isinstance(fleet, Fleet):
        from bot.room import where_fits  # noqa: PLC0415 - a shell without a fleet never looks for room

        fitting = [option for option in candidates(the_plan) if _placeable(option)]
        placements = tuple(
            Placement(option=option, rooms=where_fits(option, fleet, catalog))
            for option in fitting[:MOST_PLACED]
        )
    return Answer(plan=the_plan, fleet=fleet, placements=placements, catalog_date=catalog.as_of)


def _placeable(option: Option) -> bool:
    """Options that take GPUs, or a slice, of one kind and fit them when they are empty."""
    return len(option.kinds) == 1 and option.verdict is Verdict.FITS


def candidates(the_plan: Plan) -> tuple[Option, ...]:
    """What was asked, then the options that are not the same thing again."""
    if the_plan.asked is None:
        return the_plan.options
    return (
        the_plan.asked,
        *(option for option in the_plan.options if option.estimate != the_plan.asked.estimate),
    )
