"""A client of Slack's Web API for each workspace, with the token it gave us, renewed before it expires."""

from dataclasses import dataclass, field
from typing import Final

import aiohttp
from slack_sdk.errors import SlackTokenRotationError
from slack_sdk.oauth.token_rotation.async_rotator import AsyncTokenRotator
from slack_sdk.web.async_client import AsyncWebClient

from bot.health import BotMetrics
from bot.settings import BotSettings
from bot.slack_client import web_client
from bot.workspaces.installations import Installations

RENEW_MINUTES_BEFORE: Final = 120  # as Bolt does


@dataclass(slots=True, kw_only=True)
class Workspaces:
    """Hands out clients."""

    settings: BotSettings
    metrics: BotMetrics
    session: aiohttp.ClientSession
    installations: Installations
    rotator: AsyncTokenRotator
    _clients: dict[str, AsyncWebClient] = field(default_factory=dict)

    async def client(self, workspace: str) -> AsyncWebClient | None:
        """The client of a workspace; None when it has not installed the app, or has taken it away."""
        bot = await self.installations.bot_of(workspace)
        if bot is None:
            self._clients.pop(workspace, None)
            return None
        if bot.bot_refresh_token:
            try:
                renewed = await self.rotator.perform_bot_token_rotation(
                    bot=bot, minutes_before_expiration=RENEW_MINUTES_BEFORE
                )
            except SlackTokenRotationError:
                return None
            if renewed:
                await self.installations.async_save_bot(renewed)
                bot = renewed
        known = self._clients.get(workspace)
        if known is None or known.token != bot.bot_token:
            known = web_client(self.settings, self.metrics, self.session, token=bot.bot_token)
            self._clients[workspace] = known
        return known
