"""The client of Slack's Web API, and waiting until Slack answers it."""

import asyncio
import logging
from typing import Final
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import aiohttp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.cannot_start import CannotStart
from bot.health import BotMetrics
from bot.rate_limit import retry_handlers
from bot.settings import BotSettings

log: Final = logging.getLogger("fittingroom.bot.slack")

SLACK_TIMEOUT_SECONDS: Final = 10
_HOPELESS: Final = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"}
)
_LONGEST_PAUSE_SECONDS: Final = 30.0


def web_client(
    settings: BotSettings,
    metrics: BotMetrics,
    session: aiohttp.ClientSession | None = None,
    *,
    token: str | None = None,
) -> AsyncWebClient:
    """A client at SLACK_API_URL, with our own token unless another is given; with our session it retries and counts."""
    if token is None and settings.slack_bot_token:
        token = settings.slack_bot_token.get_secret_value()
    client = AsyncWebClient(
        token=token,
        base_url=settings.slack_api_url,
        session=session,
        timeout=SLACK_TIMEOUT_SECONDS,
        retry_handlers=retry_handlers(metrics) if session else [],
    )
    if goes_direct(settings.slack_api_url):
        client.proxy = None  # the SDK takes a proxy from the environment and forgets NO_PROXY
    return client


def goes_direct(url: str) -> bool:
    """Whether NO_PROXY exempts this address from the environment's proxy."""
    return bool(proxy_bypass(urlsplit(url).hostname or ""))


async def slack_knows_us(client: AsyncWebClient, stop: asyncio.Event) -> AuthorizeResult | None:
    """Ask Slack who we are until it answers; None when told to stop first. Raises CannotStart for a bad token."""
    pause = 1.0
    while not stop.is_set():
        try:
            who = await client.auth_test()
        except SlackApiError as error:
            reason = str(error.response.get("error"))
            if reason in _HOPELESS:
                raise CannotStart(f"Slack does not accept SLACK_BOT_TOKEN ({reason})") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = type(error).__name__
        else:
            log.info("connected to Slack as %s in %s", who.get("user"), who.get("team"))
            return AuthorizeResult.from_auth_test_response(bot_token=client.token, auth_test_response=who)
        log.warning("Slack cannot be reached (%s); trying again in %g s", reason, pause)
        try:
            await asyncio.wait_for(stop.wait(), pause)
        except TimeoutError:
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
    return None
