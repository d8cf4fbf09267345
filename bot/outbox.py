"""Posts messages to Slack: one shared session, retries that say so, and older blocks where newer ones are refused."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.health import BotMetrics
from bot.messages.message import Block, Message

log: Final = logging.getLogger("fittingroom.bot.slack")

ATTEMPTS: Final = 4
LONGEST_WAIT_SECONDS: Final = 60.0
_PAUSES_SECONDS: Final = (0.5, 1.0, 2.0)
_BLOCKS_REFUSED: Final = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "invalid_attachments"}
)


class SlackRefused(Exception):
    """Slack did not take a message; `reason` is its word for why."""

    def __init__(self, method: str, reason: str) -> None:
        super().__init__(f"Slack refused {method}: {reason}")
        self.reason = reason


@dataclass(slots=True, kw_only=True)
class Outbox:
    """The one way a message leaves."""

    client: AsyncWebClient
    session: aiohttp.ClientSession
    metrics: BotMetrics
    fallbacks: int = 0  # how often Slack refused blocks and was given older ones

    async def respond(
        self, url: str, message: Message, *, replace: bool = False, in_channel: bool = False
    ) -> None:
        """Answer at a response URL: for the asker alone unless `in_channel`; `replace` swaps the message clicked."""

        async def send(blocks: tuple[Block, ...]) -> None:
            await self._post_to_url(
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
            self.metrics.slack_errors.labels(method=method, error=_reason(error)).inc()
            raise SlackRefused(method, f"{_reason(error)} {_complaints(error)}".strip()) from None
        return answer.data if isinstance(answer.data, dict) else {}

    async def _with_fallback(
        self, method: str, message: Message, send: Callable[[tuple[Block, ...]], Awaitable[None]]
    ) -> None:
        """Send as made; where blocks are refused, with the older ones, then as text alone: an answer always comes."""
        attempts = [message.blocks, *([message.plain_blocks] if message.plain_blocks else []), ()]
        for blocks in attempts:
            try:
                return await send(blocks)
            except (SlackApiError, SlackRefused) as error:
                reason = _reason(error)
                self.metrics.slack_errors.labels(method=method, error=reason).inc()
                if reason not in _BLOCKS_REFUSED or blocks == ():
                    raise SlackRefused(method, reason) from None
                self.fallbacks += 1
                log.warning("Slack refused the blocks of a message (%s): %s", reason, _complaints(error))
        return None

    async def _post_to_url(self, url: str, payload: Mapping[str, Any]) -> None:
        for attempt in range(ATTEMPTS):
            last = attempt == ATTEMPTS - 1
            try:
                async with self.session.post(url, json=payload) as response:
                    body = (await response.text())[:500]
                    if response.status == 200:
                        return
                    if (response.status != 429 and response.status < 500) or last:
                        raise SlackRefused("response_url", _word(body) or f"http_{response.status}")
                    pause = self._pause(response, attempt)
            except (aiohttp.ClientConnectionError, TimeoutError) as error:
                if last:
                    raise SlackRefused("response_url", type(error).__name__) from None
                log.warning("Slack could not be reached (%s); trying again", type(error).__name__)
                pause = _PAUSES_SECONDS[attempt]
            await asyncio.sleep(pause)

    def _pause(self, response: aiohttp.ClientResponse, attempt: int) -> float:
        if response.status != 429:
            log.warning("Slack answered %s at a response URL; trying again", response.status)
            return _PAUSES_SECONDS[attempt]
        self.metrics.slack_rate_limited.labels(method="response_url").inc()
        asked = response.headers.get("Retry-After", "1")
        pause = min(float(asked) if asked.isdecimal() else 1.0, LONGEST_WAIT_SECONDS)
        log.warning("Slack told us to wait %g s at a response URL", pause)
        return pause


def _flat(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as a form, the one shape that every method takes."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        for name, value in arguments.items()
    }


def _reason(error: SlackApiError | SlackRefused) -> str:
    if isinstance(error, SlackRefused):
        return error.reason
    return str(error.response.get("error") or "unknown")[:60]


def _complaints(error: SlackApiError | SlackRefused) -> str:
    """What Slack said about which block."""
    if isinstance(error, SlackRefused):
        return error.reason
    metadata = error.response.get("response_metadata") or {}
    return "; ".join(str(one) for one in metadata.get("messages", ()))[:500]


def _word(body: str) -> str:
    """Slack's error is one word, or {"ok": false, "error": "word"}."""
    for word in (*_BLOCKS_REFUSED, "used_url", "expired_url", "no_text"):
        if word in body:
            return word
    return ""
