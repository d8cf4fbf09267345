"""One round over all watches: look, judge, tell. A watch is told once, whenever and wherever a process dies."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, ParamSpec, TypeVar

from bot.answer import Answer, Placement
from bot.desk import Desk
from bot.fleet import Fleet
from bot.health import BotMetrics
from bot.messages.message import Message
from bot.messages.watches import expired_message, is_about, metadata, room_message
from bot.outbox import NOT_INSTALLED, Outbox
from bot.slack_refusals import SlackRefused
from bot.watch_store import WatchStore
from bot.watches import Step, Watch, WatchState, place_for, step
from shared.errors import UserError

log: Final = logging.getLogger("fittingroom.bot.watches")

LOOK_BACK: Final = timedelta(minutes=10)  # how far Slack's clock and ours may be apart
_HOPELESS: Final = frozenset(
    {"channel_not_found", "user_not_found", "users_not_found", "is_archived", "user_disabled", NOT_INSTALLED}
)

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(slots=True, kw_only=True)
class WatchRound:
    """Evaluates watches. `owner` names this process; `lease` is how long a telling may take before another takes over.

    The order is what makes it safe: the claim is on disk before the message leaves, the message carries the
    watch's id, and whoever finds a claim whose lease has run out looks in the channel before sending again.
    """

    desk: Desk
    outbox: Outbox
    store: WatchStore
    worker: Executor
    metrics: BotMetrics
    owner: str
    hold: timedelta
    lease: timedelta

    async def run(self) -> None:
        """One round; a watch that fails does not spoil the others."""
        for watch in await self.off_loop(self.store.abandoned, _now()):
            await self._safely(self._take_over, watch)
        for watch in await self.off_loop(self.store.waiting):
            await self._safely(self._evaluate, watch)
        for state, count in (await self.off_loop(self.store.counts)).items():
            self.metrics.watches.labels(state=state).set(count)

    async def _safely(self, act: Callable[[Watch], Awaitable[None]], watch: Watch) -> None:
        try:
            await act(watch)
        except Exception:
            self.metrics.notifications.labels(result="failed").inc()
            log.exception("watch %s could not be handled; the next round tries again", watch.id)

    async def _evaluate(self, watch: Watch) -> None:
        found = await self._look(watch)
        fits = None if found is None else found[1] is not None
        what, new = step(watch, fits, _now(), self.hold)
        if what is Step.REMEMBER:
            await self.off_loop(self.store.remember, new)
        elif what is Step.EXPIRE and await self._claim(watch):
            await self._tell(watch, expired_message(watch, self.desk.catalog), WatchState.EXPIRED)
        elif what is Step.TELL and found and found[1] and await self._claim(watch):
            await self._tell(
                watch, room_message(watch, found[0], found[1], self.desk.catalog), WatchState.TOLD
            )

    async def _take_over(self, watch: Watch) -> None:
        """Finish what a process began that is gone: the message may have left or not."""
        if not await self._claim(watch):
            return
        expired = watch.telling_since is not None and watch.telling_since >= watch.expires_at
        if await self._has_left(watch):
            log.info("watch %s had been told before its process ended", watch.id)
            await self.off_loop(
                self.store.finish,
                watch,
                self.owner,
                WatchState.EXPIRED if expired else WatchState.TOLD,
                _now(),
            )
        elif expired:
            await self._tell(watch, expired_message(watch, self.desk.catalog), WatchState.EXPIRED)
        else:
            found = await self._look(watch)
            if found and found[1]:
                await self._tell(
                    watch, room_message(watch, found[0], found[1], self.desk.catalog), WatchState.TOLD
                )
            else:  # the room is gone again, and nobody was told: it waits on
                await self.off_loop(self.store.finish, watch, self.owner, WatchState.WAITING, _now())

    async def _look(self, watch: Watch) -> tuple[Answer, Placement | None] | None:
        """The answer now and the place there is; None when the fleet cannot be seen."""
        try:
            answer = await self.desk.answer(watch.question)
        except UserError as error:  # the catalog has changed under a watch: it waits until it expires
            log.warning("watch %s cannot be planned any more: %s", watch.id, error.sentence)
            return None
        return (answer, place_for(answer)) if isinstance(answer.fleet, Fleet) else None

    async def _claim(self, watch: Watch) -> bool:
        now = _now()
        return await self.off_loop(self.store.claim, watch, self.owner, now, now + self.lease)

    async def _has_left(self, watch: Watch) -> bool:
        since = (watch.telling_since or watch.created_at) - LOOK_BACK
        outbox = await self.outbox.of(watch.workspace)
        channel = await outbox.direct_channel(watch.user)
        messages = await outbox.history(channel, since.timestamp())
        return any(is_about(one, watch) for one in messages)

    async def _tell(self, watch: Watch, message: Message, then: WatchState) -> None:
        """Send once. What goes wrong half-way is left as it is: the lease runs out and the channel will tell."""
        try:
            async with asyncio.timeout(self.lease.total_seconds() / 2):
                outbox = await self.outbox.of(watch.workspace)
                channel = await outbox.direct_channel(watch.user)
                await outbox.post(channel, message, metadata=metadata(watch))
        except SlackRefused as refused:
            if refused.reason not in _HOPELESS:
                raise
            log.warning("watch %s ends: Slack refuses its message (%s)", watch.id, refused.reason)
            then = WatchState.FAILED
        self.metrics.notifications.labels(result="failed" if then is WatchState.FAILED else "sent").inc()
        await self.off_loop(self.store.finish, watch, self.owner, then, _now())

    async def off_loop(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a blocking call of the store in its thread."""
        result: R = await asyncio.get_running_loop().run_in_executor(
            self.worker, lambda: function(*args, **kwargs)
        )
        return result


def _now() -> datetime:
    return datetime.now(UTC)
