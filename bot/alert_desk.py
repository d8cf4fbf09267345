"""Takes alerts in and keeps one Slack message for each: posted when it fires, updated until it resolves."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import Any, Final, ParamSpec, TypeVar

import aiohttp

from bot.alert_store import AlertStore, Claim, Told
from bot.alerts import Alert, Delivery, Route, channel_for
from bot.answer import Answer
from bot.desk import Desk
from bot.messages.alert import alert_message, resolved_message
from bot.messages.message import Message
from bot.outbox import Outbox
from bot.slack_refusals import SlackRefused
from bot.trend import limit_trend
from shared.errors import UserError

log: Final = logging.getLogger("fittingroom.bot.alerts")

AT_ONCE: Final = 4  # Slack takes about one message a second in a channel
WAIT_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.1
LOOK_BACK: Final = timedelta(minutes=10)  # how far Slack's clock and ours may be apart
EVENT_TYPE: Final = "fittingroom_alert"

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(slots=True, kw_only=True)
class AlertDesk:
    """Handles deliveries. One that failed in part comes again from Alertmanager, and nothing in it is told twice.

    As with watches, the claim is on disk before the message leaves, the message carries the outbreak's id, and
    whoever takes over the claim of a process that ended looks in the channel before sending again.
    """

    desk: Desk
    outbox: Outbox
    store: AlertStore
    worker: Executor
    default_channel: str
    routes: tuple[Route, ...] = ()
    prometheus_url: str | None = None
    deadline_seconds: float = 2.0
    lease: timedelta = timedelta(seconds=60)
    _gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def take(self, delivery: Delivery) -> bool:
        """Handle every alert; False when one could not be told and the delivery should come again."""
        results = await asyncio.gather(*(self._one(alert) for alert in delivery.alerts))
        return all(results)

    async def _one(self, alert: Alert) -> bool:
        async with self._gate:
            try:
                async with asyncio.timeout(self.lease.total_seconds() / 2):
                    return await (self._resolve(alert) if alert.status == "resolved" else self._fire(alert))
            except SlackRefused as refused:
                log.error("alert %s could not be told: %s", alert.name, refused)  # noqa: TRY400
                await self._off_loop(self.store.give_up, alert.fingerprint)
                return False
            except (TimeoutError, aiohttp.ClientError) as error:
                # the message may have left: the claim stays, and whoever takes it over looks in Slack
                log.error("alert %s may not have been told: %s", alert.name, type(error).__name__)  # noqa: TRY400
                return False

    async def _fire(self, alert: Alert) -> bool:
        told = await self._off_loop(self.store.told, alert.fingerprint)
        if told and told.status == "firing":
            await self._update(alert, told, await self._message(alert))
            return True
        channel = channel_for(alert.labels, self.routes, self.default_channel)
        claim = await self._off_loop(self.store.claim, alert.fingerprint, channel, self.lease)
        if claim is None:
            return await self._is_told(alert)
        found = await self._found(claim, channel) if claim.abandoned else None
        if found:
            await self._update(alert, found, await self._message(alert))
            return True
        workspace, where = _split(channel)
        outbox = await self.outbox.of(workspace)
        posted, ts = await outbox.post_in(where, await self._message(alert), metadata=_mark(claim))
        told = Told(channel=_joined(workspace, posted), ts=ts, status=alert.status)
        await self._off_loop(self.store.note, alert.fingerprint, told)
        return True

    async def _resolve(self, alert: Alert) -> bool:
        told = await self._off_loop(self.store.told, alert.fingerprint)
        if told is None and await self._off_loop(self.store.is_posting, alert.fingerprint):
            claim = await self._off_loop(self.store.take_over, alert.fingerprint, self.lease)
            if claim is None:
                return await self._is_told(alert) and await self._resolve(alert)
            told = await self._found(claim, channel_for(alert.labels, self.routes, self.default_channel))
            if told is None:
                await self._off_loop(self.store.give_up, alert.fingerprint)
        if told and told.status != "resolved":
            await self._update(alert, told, resolved_message(alert))
        return True

    async def _is_told(self, alert: Alert) -> bool:
        """Wait for the process that has the claim; False when it does not come to telling."""
        for _ in range(round(WAIT_SECONDS / LOOK_SECONDS)):
            if await self._off_loop(self.store.told, alert.fingerprint):
                return True
            await asyncio.sleep(LOOK_SECONDS)
        return False

    async def _found(self, claim: Claim, channel: str) -> Told | None:
        """The message of a process that ended over it, if it has left."""
        workspace, where = _split(channel)
        since = claim.claimed_at.replace(tzinfo=UTC) - LOOK_BACK
        try:
            messages = await (await self.outbox.of(workspace)).history(where, since.timestamp())
        except SlackRefused as refused:
            log.warning("an alert may be told twice: its channel cannot be read (%s)", refused.reason)
            return None
        mine = next((one for one in messages if one.get("metadata") == _mark(claim)), None)
        return Told(channel=channel, ts=str(mine["ts"]), status="firing") if mine else None

    async def _update(self, alert: Alert, told: Told, message: Message) -> None:
        workspace, where = _split(told.channel)
        await (await self.outbox.of(workspace)).update(where, told.ts, message)
        await self._off_loop(
            self.store.note, alert.fingerprint, Told(channel=told.channel, ts=told.ts, status=alert.status)
        )

    async def _message(self, alert: Alert) -> Message:
        answer: Answer | None = None
        trend: tuple[float, ...] = ()
        if alert.question:
            try:
                answer = await self.desk.answer(alert.question)
            except UserError as error:
                log.info("no plan for %s: %s", alert.name, error.sentence)
        if self.prometheus_url:
            trend = await limit_trend(self.prometheus_url, alert.labels, self.deadline_seconds)
        return alert_message(alert, answer, trend)

    async def _off_loop(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        result: R = await asyncio.get_running_loop().run_in_executor(
            self.worker, lambda: function(*args, **kwargs)
        )
        return result


def _mark(claim: Claim) -> dict[str, Any]:
    """Names the message in Slack, so that after a crash we can see whether it has left."""
    return {"event_type": EVENT_TYPE, "event_payload": {"outbreak": claim.outbreak}}


def _split(channel: str) -> tuple[str, str]:
    """A channel of one of several workspaces, T123/C456, as its two parts."""
    workspace, _, where = channel.rpartition("/")
    return workspace, where


def _joined(workspace: str, channel: str) -> str:
    return f"{workspace}/{channel}" if workspace else channel
