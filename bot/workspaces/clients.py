"""A client of Slack's Web API for each workspace, with the token it gave us, renewed before it expires."""

from dataclasses import dataclass, field

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.health import BotMetrics
from bot.settings import BotSettings
from bot.slack_client import web_client
from bot.workspaces.installations import Installations


@dataclass(slots=True, kw_only=True)
class Workspaces:
    """Hands out clients."""

    settings: BotSettings
    metrics: BotMetrics
    session: aiohttp.ClientSession
    installations: Installations
    _clients: dict[str, AsyncWebClient] = field(default_factory=dict)

    async def client(self, workspace: str) -> AsyncWebClient | None:
        """The client of a workspace; None when it has not installed the app, or has taken it away."""
        bot = await self.installations.fresh(workspace)
        if bot is None:
            self._clients.pop(workspace, None)
            return None
        known = self._clients.get(workspace)
        if known is None or known.token != bot.bot_token:
            known = web_client(self.settings, self.metrics, self.session, token=bot.bot_token)
            self._clients[workspace] = known
        return known
