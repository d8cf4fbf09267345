"""A watch: "tell me when it fits". Its states and the rules by which it moves from one to the next; pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.answer import Answer, Placement
from shared.planner.plan import Option
from shared.planner.slices import slice_named

EXPIRES_AFTER: Final = timedelta(days=14)
SNOOZE: Final = timedelta(hours=1)
MOST_PER_USER: Final = 20


class WatchState(StrEnum):
    """Where a watch is. Only `telling` has a message that may or may not have left."""

    WAITING = "waiting"
    TELLING = "telling"
    TOLD = "told"
    STOPPED = "stopped"
    EXPIRED = "expired"
    FAILED = "failed"  # Slack refused the message for good


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One person's watch.

    Attributes:
        question: The canonical text of what is to fit.
        fits_since: Since when it has fitted without a break; None while it does not.
        snoozed_until: Not looked at before; None when not snoozed.
        workspace: Where the person is; empty where the bot serves the one workspace whose token it was given.
        round: How often it has been armed; with the id it names one message.
        owner: Which process is telling; lease_until says until when nobody else may try.
    """

    id: str
    user: str
    question: str
    created_at: datetime
    expires_at: datetime
    state: WatchState = WatchState.WAITING
    fits_since: datetime | None = None
    snoozed_until: datetime | None = None
    workspace: str = ""
    round: int = 1
    owner: str | None = None
    lease_until: datetime | None = None
    telling_since: datetime | None = None
    told_at: datetime | None = None


class Step(StrEnum):
    """What is to be done with a watch after a look."""

    NOTHING = "nothing"
    REMEMBER = "remember"  # fits_since changed
    TELL = "tell"
    EXPIRE = "expire"


def step(watch: Watch, fits: bool | None, now: datetime, hold: timedelta) -> tuple[Step, Watch]:
    """The watch after a look that found room (`fits`), found none, or could not be had (None).

    It must have fitted for `hold` without a break: GPUs come free for seconds between two jobs.
    """
    if watch.state is not WatchState.WAITING:
        return Step.NOTHING, watch
    if now >= watch.expires_at:
        return Step.EXPIRE, replace(watch, state=WatchState.EXPIRED)
    if fits is None or (watch.snoozed_until and now < watch.snoozed_until):
        return Step.NOTHING, watch
    if not fits:
        return (Step.REMEMBER, replace(watch, fits_since=None)) if watch.fits_since else (Step.NOTHING, watch)
    if watch.fits_since is None:
        watch = replace(watch, fits_since=now)
        return (Step.TELL, watch) if not hold else (Step.REMEMBER, watch)
    return (Step.TELL if now - watch.fits_since >= hold else Step.NOTHING), watch


def snoozed(watch: Watch, now: datetime) -> Watch:
    """Armed again, but not before an hour has passed."""
    return replace(
        watch,
        state=WatchState.WAITING,
        snoozed_until=now + SNOOZE,
        fits_since=None,
        round=watch.round + 1,
        expires_at=max(watch.expires_at, now + EXPIRES_AFTER),
    )


def place_for(answer: Answer) -> Placement | None:
    """The first place where what the watch asks for could run now; None when there is none.

    What counts is the hardware and quantization that were named; what was left open may be any healthy choice.
    """
    for placement in answer.placements:
        if wanted(placement.option, answer):
            rooms = [room for room in placement.rooms.rooms if room.as_named or answer.plan.query.gpu is None]
            if rooms:
                return Placement(option=placement.option, rooms=replace(placement.rooms, rooms=tuple(rooms)))
    return None


def wanted(option: Option, answer: Answer) -> bool:
    """Whether an option is within what was asked."""
    query = answer.plan.query
    workload = option.estimate.workload
    named = slice_named(query) or query.gpu
    return (
        option.healthy
        and (query.model is None or workload.model.id == query.model.id)
        and (query.quantization is None or option.quantization.id == query.quantization.id)
        and (named is None or option.gpu.id == named.id)
        and (query.gpu_count is None or option.gpu_count == query.gpu_count)
    )
