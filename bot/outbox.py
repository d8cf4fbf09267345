"""Posts messages to Slack: one shared session, retries that say so, and older blocks where newer ones are refused."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol, Self

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.health import BotMetrics
from bot.messages.message import Block, Message, has_chart
from bot.response_urls import post_to_url
from bot.slack_refusals import BLOCKS_REFUSED, SlackRefused, complaints_of, reason_of

log: Final = logging.getLogger("fittingroom.bot.slack")

NOT_INSTALLED: Final = "not_installed"


class ClientOf(Protocol):
    """Knows the client of every workspace that has installed the app."""

    async def client(self, workspace: str) -> AsyncWebClient | None:
        """The client of a workspace; None when it has not installed the app."""


@dataclass(slots=True, kw_only=True)
class Outbox:
    """The one way a message leaves."""

    client: AsyncWebClient
    session: aiohttp.ClientSession
    metrics: BotMetrics
    workspaces: ClientOf | None = None  # None: one workspace, the client's
    fallbacks: int = 0  # how often Slack refused blocks and was given older ones
    _no_charts: set[str] = field(default_factory=set)  # where Slack has refused one: it is spared the next

    async def of(self, workspace: str) -> Self:
        """The outbox of a workspace. Raises SlackRefused where the app is not installed."""
        if self.workspaces is None or not workspace:
            return self
        client = await self.workspaces.client(workspace)
        if client is None:
            raise SlackRefused("authorization", NOT_INSTALLED)
        return replace(self, client=client)

    async def respond(
        self, url: str, message: Message, *, replace: bool = False, in_channel: bool = False
    ) -> None:
        """Answer at a response URL: for the asker alone unless `in_channel`; `replace` swaps the message clicked."""

        async def send(blocks: tuple[Block, ...]) -> None:
            await post_to_url(
                self.session,
                self.metrics,
                url,
                {
                    "text": message.text,
                    "blocks": blocks,
                    "response_type": "in_channel" if in_channel else "ephemeral",
                    "replace_original": replace,
                    "unfurl_links": False,
                    "unfurl_media": False,
                },
            )

        await self._with_fallback("response_url", message, send)

    async def post(
        self,
        channel: str,
        message: Message,
        *,
        thread: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        """Post in a channel (or its thread); the timestamp that names the message."""
        return (await self.post_in(channel, message, thread=thread, metadata=metadata))[1]

    async def post_in(
        self,
        channel: str,
        message: Message,
        *,
        thread: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> tuple[str, str]:
        """The same; the id of the channel, which may have been given by name, and the timestamp."""
        posted = ("", "")

        async def send(blocks: tuple[Block, ...]) -> None:
            nonlocal posted
            answer = await self.client.chat_postMessage(
                channel=channel,
                text=message.text,
                blocks=[dict(block) for block in blocks],
                thread_ts=thread,
                unfurl_links=False,
                unfurl_media=False,
                parse="none",
                metadata=dict(metadata) if metadata else None,
            )
            posted = (str(answer["channel"]), str(answer["ts"]))

        await self._with_fallback("chat.postMessage", message, send)
        return posted

    async def update(self, channel: str, ts: str, message: Message) -> None:
        """Put `message` in the place of one of ours."""

        async def send(blocks: tuple[Block, ...]) -> None:
            await self.client.chat_update(
                channel=channel, ts=ts, text=message.text, blocks=[dict(block) for block in blocks]
            )

        await self._with_fallback("chat.update", message, send)

    async def open_view(self, trigger: str, view: Mapping[str, Any]) -> None:
        """Open a form for the person whose click made `trigger`, within three seconds of it."""
        await self._call("views.open", trigger_id=trigger, view=view)

    async def publish_home(self, user: str, view: Mapping[str, Any]) -> None:
        """Show `user` their home tab."""
        await self._call("views.publish", user_id=user, view=view)

    async def direct_channel(self, user: str) -> str:
        """The channel of our direct messages with `user`."""
        answer = await self._call("conversations.open", users=user)
        return str(answer["channel"]["id"])

    async def history(self, channel: str, oldest: float) -> list[dict[str, Any]]:
        """The messages of a channel since then, with their metadata."""
        found: list[dict[str, Any]] = []
        arguments = {
            "channel": channel,
            "oldest": f"{oldest:.6f}",
            "include_all_metadata": True,
            "limit": 200,
        }
        cursor = ""
        while True:
            answer = await self._call(
                "conversations.history", **arguments, **({"cursor": cursor} if cursor else {})
            )
            found += answer.get("messages", [])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return found

    async def _call(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        try:
            answer = await self.client.api_call(method, data=_flat(arguments))
        except SlackApiError as error:
            self.metrics.slack_errors.labels(method=method, error=reason_of(error)).inc()
            raise SlackRefused(method, f"{reason_of(error)} {complaints_of(error)}".strip()) from None
        return answer.data if isinstance(answer.data, dict) else {}

    async def _with_fallback(
        self, method: str, message: Message, send: Callable[[tuple[Block, ...]], Awaitable[None]]
    ) -> None:
        """Send as made; where blocks are refused, with the older ones, then as text alone: an answer always comes."""
        forms = message.forms(charts=method not in self._no_charts)
        for number, blocks in enumerate(forms):
            try:
                await send(blocks)
            except (SlackApiError, SlackRefused) as error:
                reason = reason_of(error)
                self.metrics.slack_errors.labels(method=method, error=reason).inc()
                if reason not in BLOCKS_REFUSED or blocks == ():
                    raise SlackRefused(method, reason) from None
                self.fallbacks += 1
                log.warning("Slack refused the blocks of a message (%s): %s", reason, complaints_of(error))
            else:
                if number == 1 and has_chart(forms[0]):
                    self._no_charts.add(method)
                return


def _flat(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as a form, the one shape that every method takes."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        for name, value in arguments.items()
    }
