"""Where every listener ends: the error boundary, the timing and the counting around one turn."""

import asyncio
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from slack_bolt.async_app import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.defaults import defaults_verb_of
from bot.desk import Desk
from bot.health import BotMetrics
from bot.listeners.channel import Channels
from bot.listeners.turn import Payload, Turn
from bot.look_ups import Tell
from bot.messages.error import failure_message, progress_message
from bot.messages.message import Message
from bot.outbox import Outbox
from bot.slack_refusals import SlackRefused
from bot.watch_verbs import WatchVerb, watch_verb_of
from bot.workspaces.installations import workspace_key

log: Final = logging.getLogger("fittingroom.bot")

REMEMBERED_EVENTS: Final = 2000
USED_UP: Final = frozenset({"used_url", "expired_url"})

ReadTurn = Callable[[Payload], Turn | None]
Acknowledge = Callable[[AsyncAck, Payload], Awaitable[None]]
"""Acknowledges with something to say: what is wrong in a form."""

Act = Callable[[Turn], Awaitable[str]]
"""Does what the turn asks and says how it came out: "answered" or "not_understood"."""


class WatchDesk(Protocol):
    """Answers what a person says about watches."""

    async def handle(self, turn: Turn, verb: WatchVerb) -> str:
        """Do it, and say how it came out."""


@dataclass(slots=True, kw_only=True)
class Reception:
    """What listeners are given: the desk that answers, the outbox that posts, and `taking` to wrap them."""

    desk: Desk
    outbox: Outbox
    metrics: BotMetrics
    watching: WatchDesk | None = None
    channels: Channels | None = None
    _seen: "OrderedDict[str, None]" = field(default_factory=OrderedDict)
    _running: "set[asyncio.Task[None]]" = field(default_factory=set)

    def taking(
        self, read_turn: ReadTurn, act: Act | None = None, *, acknowledge: Acknowledge | None = None
    ) -> Callable[..., Awaitable[None]]:
        """A listener: acknowledges, and then, behind all acknowledgements, reads the turn and acts. Never raises.

        Without `act` it answers the question. Not one of Bolt's lazy listeners: those copy the whole request, client
        and all, before they acknowledge, and lose what they raise.
        """

        async def listener(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
            await (acknowledge(ack, body) if acknowledge else ack())
            workspace = self._workspace(context)
            task = asyncio.create_task(self._guarded(read_turn, act or self.answer, body, workspace))
            self._running.add(task)  # the loop keeps only a weak reference
            task.add_done_callback(self._running.discard)

        return listener

    async def answer(self, turn: Turn, *, details: bool = False) -> str:
        """Answer the turn's question."""
        verb = watch_verb_of(turn.text) if self.watching else None
        if self.watching and verb:
            return await self.watching.handle(turn, verb)
        wish = defaults_verb_of(turn.text) if self.channels and turn.in_words else None
        if self.channels and wish:
            message, result = await self.channels.handle(turn, wish)
            await self.send(turn, message)
            return result
        defaults = await self.channels.text_for(turn) if self.channels else ""
        reply = await self.desk.reply(
            turn.text, details=details, private=turn.private, defaults=defaults, tell=self._teller(turn)
        )
        await self.send(turn, reply.message)
        return reply.result

    async def details(self, turn: Turn) -> str:
        """The same answer with everything unfolded."""
        return await self.answer(turn, details=True)

    async def send(self, turn: Turn, message: Message) -> None:
        """Post a message where the turn wants it."""
        if not turn.response_url:
            outbox = await self.outbox.of(turn.workspace)
            await outbox.post(turn.channel, message, thread=turn.thread)
            return
        try:
            await self.outbox.respond(turn.response_url, message, replace=turn.replace)
        except SlackRefused as refused:
            if refused.reason not in USED_UP or not turn.user:
                raise
            outbox = await self.outbox.of(turn.workspace)
            await outbox.post(turn.user, message)  # a form left open for half an hour: as a direct message

    def _teller(self, turn: Turn) -> Tell | None:
        """How whoever waits for a look-up is told of it: only where that leaves no message behind in a channel."""
        if not turn.response_url or turn.replace:
            return None

        async def tell(step: str) -> None:
            try:
                await self.outbox.respond(turn.response_url, progress_message(step))
            except SlackRefused as refused:
                log.warning("Slack did not take the progress of a look-up (%s)", refused.reason)

        return tell

    async def finish(self, seconds: float) -> None:
        """Let the turns under way end, for at most this long."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)

    def _workspace(self, context: AsyncBoltContext) -> str:
        """Whose request it is; empty where there is only one workspace."""
        if self.outbox.workspaces is None:
            return ""
        return workspace_key(context.enterprise_id, context.team_id, context.is_enterprise_install)

    async def _guarded(self, read_turn: ReadTurn, act: Act, body: Payload, workspace: str) -> None:
        started = time.monotonic()
        turn: Turn | None = None
        try:
            turn = read_turn(body)
            if turn is None or self._is_repeat(turn.event_id):
                return
            turn = turn.within(workspace)
            result = await act(turn)
        except Exception:  # noqa: BLE001  the one place: Bolt would swallow it
            result = "failed"
            await self._report(turn)
        source = turn.source if turn else "unreadable"
        self.metrics.questions.labels(source=source, result=result).inc()
        self.metrics.answer_seconds.labels(source=source).observe(time.monotonic() - started)

    async def _report(self, turn: Turn | None) -> None:
        """Log what broke under an id, and tell the person the id."""
        incident = secrets.token_hex(4)
        log.exception("incident %s in a %s turn", incident, turn.source if turn else "unreadable")
        if turn is None:
            return
        try:
            await self.send(turn, failure_message(incident))
        except (SlackRefused, OSError, TimeoutError) as error:
            log.error("incident %s could not be told to its asker: %s", incident, error)  # noqa: TRY400

    def _is_repeat(self, event_id: str) -> bool:
        """Slack sends an event again when our acknowledgement got lost; it is answered once."""
        if not event_id:
            return False
        if event_id in self._seen:
            return True
        self._seen[event_id] = None
        if len(self._seen) > REMEMBERED_EVENTS:
            self._seen.popitem(last=False)
        return False
