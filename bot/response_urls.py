"""Posts to Slack's response URLs, again when Slack is away, slow or asks to wait."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

from bot.health import BotMetrics
from bot.slack_refusals import BLOCKS_REFUSED, SlackRefused

log: Final = logging.getLogger("fittingroom.bot.slack")

ATTEMPTS: Final = 4
LONGEST_WAIT_SECONDS: Final = 60.0
_PAUSES_SECONDS: Final = (0.5, 1.0, 2.0)


async def post_to_url(
    session: aiohttp.ClientSession, metrics: BotMetrics, url: str, payload: Mapping[str, Any]
) -> None:
    """Post. Raises SlackRefused when Slack does not take it, or stays away."""
    for attempt in range(ATTEMPTS):
        last = attempt == ATTEMPTS - 1
        try:
            async with session.post(url, json=payload) as response:
                body = (await response.text())[:500]
                if response.status == 200:
                    return
                if (response.status != 429 and response.status < 500) or last:
                    raise SlackRefused("response_url", _word(body) or f"http_{response.status}")
                pause = _pause(response, attempt, metrics)
        except (aiohttp.ClientConnectionError, TimeoutError) as error:
            if last:
                raise SlackRefused("response_url", type(error).__name__) from None
            log.warning("Slack could not be reached (%s); trying again", type(error).__name__)
            pause = _PAUSES_SECONDS[attempt]
        await asyncio.sleep(pause)


def _pause(response: aiohttp.ClientResponse, attempt: int, metrics: BotMetrics) -> float:
    if response.status != 429:
        log.warning("Slack answered %s at a response URL; trying again", response.status)
        return _PAUSES_SECONDS[attempt]
    metrics.slack_rate_limited.labels(method="response_url").inc()
    asked = response.headers.get("Retry-After", "1")
    pause = min(float(asked) if asked.isdecimal() else 1.0, LONGEST_WAIT_SECONDS)
    log.warning("Slack told us to wait %g s at a response URL", pause)
    return pause


def _word(body: str) -> str:
    """Slack's error is one word, or {"ok": false, "error": "word"}."""
    for word in (*BLOCKS_REFUSED, "used_url", "expired_url", "no_text"):
        if word in body:
            return word
    return ""
