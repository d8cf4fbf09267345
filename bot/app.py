"""The composition root: the one place where the real Slack, catalog, fleet and clock are named."""

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import aiohttp
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.cannot_start import CannotStart
from bot.desk import Desk
from bot.fleet_reader import FleetReader, fleet_reader
from bot.health import BotMetrics, SlackLink, add_health_routes
from bot.listeners import register_listeners
from bot.listeners.reception import Reception
from bot.outbox import Outbox
from bot.rate_limit import retry_handlers
from bot.settings import BotSettings
from bot.transports import serve_http, slack_link
from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog
from shared.errors import UserError

log: Final = logging.getLogger("fittingroom.bot")

SLACK_TIMEOUT_SECONDS: Final = 10
FINISH_SECONDS: Final = 5.0
_HOPELESS: Final = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"}
)
_LONGEST_PAUSE_SECONDS: Final = 30.0


async def run_bot(settings: BotSettings, stop: asyncio.Event, *, catalog: Catalog | None = None) -> None:
    """Serve Slack until `stop` is set. Raises CannotStart when Slack refuses the tokens or the port is taken."""
    if catalog is None:
        catalog = _catalog(settings)
    metrics = BotMetrics(catalog_date=str(catalog.as_of))
    link = SlackLink(metrics)
    async with _session() as session:
        client = _web_client(settings, metrics, session)
        pages = web.Application()
        add_health_routes(pages, metrics, link)
        app = AsyncApp(
            client=_web_client(
                settings, metrics
            ),  # Bolt copies its client for lazy listeners: it can hold no session
            signing_secret=settings.slack_signing_secret.get_secret_value()
            if settings.slack_signing_secret
            else None,
            process_before_response=True,
        )
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="plan") as worker:
            desk = Desk(
                catalog=catalog, reader=_reader(settings, metrics), worker=worker, command=settings.command
            )
            reception = Reception(
                desk=desk, outbox=Outbox(client=client, session=session, metrics=metrics), metrics=metrics
            )
            register_listeners(app, reception)
            async with serve_http(settings, pages, app):
                if not await _slack_knows_us(client, stop):
                    return
                async with slack_link(settings, app, link):
                    await stop.wait()
                log.info("stopping")
                await reception.finish(FINISH_SECONDS)


def _catalog(settings: BotSettings) -> Catalog:
    try:
        return load_catalog(settings.site_catalog) if settings.site_catalog else load_catalog()
    except UserError as error:
        raise CannotStart(error.sentence) from None


@asynccontextmanager
async def _session() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=SLACK_TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
        yield session


def _web_client(
    settings: BotSettings, metrics: BotMetrics, session: aiohttp.ClientSession | None = None
) -> AsyncWebClient:
    token = settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else None
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


def _reader(settings: BotSettings, metrics: BotMetrics) -> FleetReader | None:
    reader = fleet_reader(
        prometheus_url=settings.prometheus_url,
        exporter_urls=settings.exporter_urls,
        deadline_seconds=settings.fleet_timeout_seconds,
        stale_after_seconds=settings.fleet_stale_seconds,
    )
    if reader is None:
        log.info("no live fleet: neither PROMETHEUS_URL nor FITTINGROOM_EXPORTER_URLS is set")
    else:
        reader.note = metrics.note_look
    return reader


async def _slack_knows_us(client: AsyncWebClient, stop: asyncio.Event) -> bool:
    """Ask Slack who we are until it answers; False when told to stop first. Raises CannotStart for a bad token."""
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
            return True
        log.warning("Slack cannot be reached (%s); trying again in %g s", reason, pause)
        try:
            await asyncio.wait_for(stop.wait(), pause)
        except TimeoutError:
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
    return False
