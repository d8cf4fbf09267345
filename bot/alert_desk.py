"""Takes alerts in and keeps one Slack message for each: posted when it fires, updated until it resolves."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final, ParamSpec, TypeVar

from bot.alert_store import AlertStore, Told
from bot.alerts import Alert, Delivery, Route, channel_for
from bot.answer import Answer
from bot.desk import Desk
from bot.messages.alert import alert_message, resolved_message
from bot.messages.message import Message
from bot.outbox import Outbox, SlackRefused
from bot.trend import limit_trend
from shared.errors import UserError

log: Final = logging.getLogger("fittingroom.bot.alerts")

AT_ONCE: Final = 4  # Slack takes about one message a second in a channel

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(slots=True, kw_only=True)
class AlertDesk:
    """Handles deliveries. One that failed in part comes again from Alertmanager, and nothing in it is told twice."""

    desk: Desk
    outbox: Outbox
    store: AlertStore
    worker: Executor
    default_channel: str
    routes: tuple[Route, ...] = ()
    prometheus_url: str | None = None
    deadline_seconds: float = 2.0
    _gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def take(self, delivery: Delivery) -> bool:
        """Handle every alert; False when one could not be told and the delivery should come again."""
        results = await asyncio.gather(*(self._one(alert) for alert in delivery.alerts))
        return all(results)

    async def _one(self, alert: Alert) -> bool:
        async with self._gate:
            try:
                await self._tell(alert)
            except SlackRefused as refused:
                log.error("alert %s could not be told: %s", alert.name, refused)  # noqa: TRY400
                await self._off_loop(self.store.give_up, alert.fingerprint)
                return False
        return True

    async def _tell(self, alert: Alert) -> None:
        told = await self._off_loop(self.store.told, alert.fingerprint)
        if alert.status == "resolved":
            if told and told.status != "resolved":
                await self._update(alert, told, resolved_message(alert))
            return
        if told and told.status == "firing":
            await self._update(alert, told, await self._message(alert))
            return
        channel = channel_for(alert.labels, self.routes, self.default_channel)
        if await self._off_loop(self.store.claim, alert.fingerprint, channel):
            posted, ts = await self.outbox.post_in(channel, await self._message(alert))
            await self._off_loop(
                self.store.note, alert.fingerprint, Told(channel=posted, ts=ts, status=alert.status)
            )

    async def _update(self, alert: Alert, told: Told, message: Message) -> None:
        await self.outbox.update(told.channel, told.ts, message)
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
