"""How Slack reaches us: a socket we open, or signed HTTP requests to our server; the same listeners behind both."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from bot.cannot_start import CannotStart
from bot.health import SlackLink
from bot.settings import BotSettings

log: Final = logging.getLogger("fittingroom.bot")

LOOK_EVERY_SECONDS: Final = 1.0
MOST_REQUEST_BYTES: Final = 1024**2
_LONGEST_PAUSE_SECONDS: Final = 30.0
EVENTS_PATH: Final = "/slack/events"


@asynccontextmanager
async def serve_http(settings: BotSettings, pages: web.Application, app: AsyncApp) -> AsyncIterator[None]:
    """Serve the pages, and Slack's requests in http mode, while the block runs."""
    if settings.mode == "http":

        async def events(request: web.Request) -> web.StreamResponse:
            return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

        pages.router.add_post(EVENTS_PATH, events)
    runner = web.AppRunner(pages, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port)
        try:
            await site.start()
        except OSError as error:
            raise CannotStart(
                f"cannot listen on {settings.host}:{settings.port} ({error.strerror})"
            ) from None
        for address in runner.addresses:
            log.info("health and metrics at http://%s:%s/metrics", *address[:2])
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def slack_link(settings: BotSettings, app: AsyncApp, link: SlackLink) -> AsyncIterator[None]:
    """Keep Slack connected while the block runs; in http mode Slack calls us and there is nothing to keep."""
    if settings.mode == "http" or settings.slack_app_token is None:
        link.set(connected=True)
        yield
        return
    handler = AsyncSocketModeHandler(app, settings.slack_app_token.get_secret_value(), proxy=app.client.proxy)
    handler.client.proxy = app.client.proxy
    keeper = asyncio.create_task(_keep_connected(handler, link))
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await handler.client.close()  # type: ignore[no-untyped-call]


async def _keep_connected(handler: AsyncSocketModeHandler, link: SlackLink) -> None:
    """Open the socket, again and again if need be, then watch it; the SDK reconnects a socket that breaks."""
    pause = 1.0
    while not await handler.client.is_connected():
        try:
            await handler.client.connect_to_new_endpoint()
        except SlackApiError as error:
            log.warning(
                "Slack refused a socket (%s); trying again in %g s", error.response.get("error"), pause
            )
        except Exception as error:  # noqa: BLE001  the SDK lets every kind of network error through
            log.warning("no socket to Slack (%s); trying again in %g s", type(error).__name__, pause)
        if not await handler.client.is_connected():
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
    while True:
        connected = await handler.client.is_connected()
        if connected != link.connected:
            log.info("socket to Slack %s", "open" if connected else "lost; reconnecting")
        link.set(connected=connected)
        await asyncio.sleep(LOOK_EVERY_SECONDS)
