"""Bolt for several workspaces: the pages that install the app, and whose token a request is answered with."""

import logging
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization.async_authorize import AsyncInstallationStoreAuthorize
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine

from bot.cannot_start import CannotStart
from bot.settings import BotSettings
from bot.workspaces.installations import Installations
from bot.workspaces.renewal import Renewal
from bot.workspaces.sealing import Seal
from bot.workspaces.states import OAuthStates

log: Final = logging.getLogger("fittingroom.bot.workspaces")

INSTALL_PATH: Final = "/slack/install"
REDIRECT_PATH: Final = "/slack/oauth_redirect"
SCOPES: Final = ("app_mentions:read", "chat:write", "commands", "im:history", "im:read", "im:write")
_NOT_INSTALLED: Final = (
    "This workspace has not installed fittingroom, or has taken it away: ask whoever runs it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What Slack knows our app by."""

    client_id: str
    client_secret: str
    signing_secret: str


def credentials(settings: BotSettings) -> Credentials | None:
    """The app's credentials; None when the bot serves the one workspace whose token it was given."""
    secret, signing = settings.slack_client_secret, settings.slack_signing_secret
    if not (settings.slack_client_id and secret and signing):
        return None
    return Credentials(
        client_id=settings.slack_client_id,
        client_secret=secret.get_secret_value(),
        signing_secret=signing.get_secret_value(),
    )


def opened_installations(
    settings: BotSettings, engine: Engine, worker: Executor, renewal: Renewal
) -> Installations:
    """The store of installations. Raises CannotStart when a key is none."""
    keys = settings.token_keys
    try:
        return Installations(engine, Seal(keys.get_secret_value() if keys else ""), worker, renewal)
    except ValueError as error:
        raise CannotStart(f"FITTINGROOM_TOKEN_KEYS cannot be used: {error}") from None


def installable_app(
    given: Credentials,
    installations: Installations,
    states: OAuthStates,
    client: AsyncWebClient,
    public_url: str | None,
) -> AsyncApp:
    """Bolt with OAuth. Slack is asked once per token whose it is, not at every request: that would delay the ack."""
    authorize = AsyncInstallationStoreAuthorize(
        logger=log,
        installation_store=installations,
        client_id=given.client_id,
        client_secret=given.client_secret,
        bot_only=True,
        cache_enabled=True,
        client=client,
    )
    app = AsyncApp(
        client=client,
        signing_secret=given.signing_secret,
        process_before_response=True,
        authorize=authorize,  # type: ignore[arg-type]  # Bolt takes its own class here too
        user_facing_authorize_error_message=_NOT_INSTALLED,
        oauth_settings=AsyncOAuthSettings(
            client_id=given.client_id,
            client_secret=given.client_secret,
            scopes=list(SCOPES),
            user_scopes=[],
            redirect_uri=public_url.rstrip("/") + REDIRECT_PATH if public_url else None,
            install_path=INSTALL_PATH,
            redirect_uri_path=REDIRECT_PATH,
            installation_store=installations,
            installation_store_bot_only=True,
            state_store=states,
        ),
    )
    app.enable_token_revocation_listeners()
    return app


def add_install_routes(pages: web.Application, app: AsyncApp) -> None:
    """The page with Slack's button, and where Slack sends people back to."""
    flow = app.oauth_flow
    assert flow is not None  # noqa: S101  installable_app has made it

    async def install(request: web.Request) -> web.StreamResponse:
        return await to_aiohttp_response(await flow.handle_installation(await to_bolt_request(request)))

    async def back(request: web.Request) -> web.StreamResponse:
        return await to_aiohttp_response(await flow.handle_callback(await to_bolt_request(request)))

    pages.router.add_get(INSTALL_PATH, install)
    pages.router.add_get(REDIRECT_PATH, back)
