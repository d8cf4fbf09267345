"""Bolt's app, for the one workspace whose token the bot is given or for all that install it."""

import asyncio
from concurrent.futures import Executor

import aiohttp
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.oauth.token_rotation.async_rotator import AsyncTokenRotator
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine

from bot.health import BotMetrics
from bot.settings import BotSettings
from bot.slack_client import web_client
from bot.workspaces.clients import Workspaces
from bot.workspaces.oauth import credentials, installable_app, opened_installations
from bot.workspaces.renewal import Renewal
from bot.workspaces.states import OAuthStates


def slack_app(
    settings: BotSettings,
    metrics: BotMetrics,
    session: aiohttp.ClientSession,
    engine: Engine,
    storing: Executor,
    ourselves: asyncio.Future[AuthorizeResult],
) -> tuple[AsyncApp, Workspaces | None]:
    """The app, and the workspaces it is installed in; None for one workspace. Raises CannotStart for a bad key.

    `ourselves` is who the one workspace's token makes us, once Slack has said so.
    """
    given = credentials(settings)
    client = web_client(settings, metrics)
    if given is None:
        return _app_of_one(settings, client, ourselves), None
    rotator = AsyncTokenRotator(client_id=given.client_id, client_secret=given.client_secret, client=client)
    installations = opened_installations(settings, engine, storing, Renewal(rotator))
    app = installable_app(given, installations, OAuthStates(engine, storing), client, settings.public_url)
    workspaces = Workspaces(settings=settings, metrics=metrics, session=session, installations=installations)
    return app, workspaces


def _app_of_one(
    settings: BotSettings, client: AsyncWebClient, ourselves: asyncio.Future[AuthorizeResult]
) -> AsyncApp:
    """Bolt for one workspace. Left alone it would ask Slack who we are before its first acknowledgements."""

    async def authorize() -> AuthorizeResult:
        return await asyncio.shield(ourselves)

    client.token = None  # it is in what authorize returns; Bolt warns of two
    secret = settings.slack_signing_secret
    return AsyncApp(
        client=client,
        signing_secret=secret.get_secret_value() if secret else None,
        authorize=authorize,
        process_before_response=True,
    )
