"""Bolt's app, for the one workspace whose token the bot is given or for all that install it."""

from concurrent.futures import Executor

import aiohttp
from slack_bolt.async_app import AsyncApp
from slack_sdk.oauth.token_rotation.async_rotator import AsyncTokenRotator
from sqlalchemy import Engine

from bot.health import BotMetrics
from bot.settings import BotSettings
from bot.slack_client import web_client
from bot.workspaces.clients import Workspaces
from bot.workspaces.oauth import credentials, installable_app, opened_installations
from bot.workspaces.states import OAuthStates


def slack_app(
    settings: BotSettings,
    metrics: BotMetrics,
    session: aiohttp.ClientSession,
    engine: Engine,
    storing: Executor,
) -> tuple[AsyncApp, Workspaces | None]:
    """The app, and the workspaces it is installed in; None for one workspace. Raises CannotStart for a bad key.

    Bolt copies its client for every lazy listener, so that client can hold no session of ours.
    """
    given = credentials(settings)
    client = web_client(settings, metrics)
    if given is None:
        secret = settings.slack_signing_secret
        app = AsyncApp(
            client=client,
            signing_secret=secret.get_secret_value() if secret else None,
            process_before_response=True,
        )
        return app, None
    installations = opened_installations(settings, engine, storing)
    app = installable_app(given, installations, OAuthStates(engine, storing), client, settings.public_url)
    rotator = AsyncTokenRotator(client_id=given.client_id, client_secret=given.client_secret, client=client)
    workspaces = Workspaces(
        settings=settings, metrics=metrics, session=session, installations=installations, rotator=rotator
    )
    return app, workspaces
