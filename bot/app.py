"""The composition root: the one place where the real Slack, catalog, fleet, database and clock are named."""

import asyncio
import gc
import logging
import socket
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Final

import aiohttp
from aiohttp import web
from slack_bolt.authorization import AuthorizeResult
from sqlalchemy import Engine

from bot.alert_desk import AlertDesk
from bot.alert_store import AlertStore
from bot.api import add_alert_route, add_fit_route
from bot.cannot_start import CannotStart
from bot.database import open_database
from bot.defaults_store import DefaultsStore
from bot.desk import Desk
from bot.fleet_reader import FleetReader, fleet_reader
from bot.health import BotMetrics, SlackLink, add_health_routes
from bot.listeners import register_listeners
from bot.listeners.channel import Channels
from bot.listeners.reception import Reception
from bot.listeners.watching import Watching
from bot.look_ups import LookUps
from bot.outbox import Outbox
from bot.schedule import every
from bot.settings import BotSettings
from bot.slack_app import slack_app
from bot.slack_client import SLACK_TIMEOUT_SECONDS, slack_knows_us, web_client
from bot.thinker import FIRST_QUESTION, Thinker
from bot.transports import serve_http, slack_link
from bot.watch_round import WatchRound
from bot.watch_store import WatchStore
from bot.workspaces.oauth import add_install_routes
from bot.workspaces.renewal import RENEW_EVERY_SECONDS
from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog
from shared.errors import UserError

log: Final = logging.getLogger("fittingroom.bot")

FINISH_SECONDS: Final = 5.0
# how old the names and sizes of GPUs may be that a look at Prometheus remembers
FLEET_READY_SECONDS: Final = 60.0


async def run_bot(settings: BotSettings, stop: asyncio.Event) -> None:
    """Serve Slack until `stop` is set. Raises CannotStart when the tokens, the port or the database are no good."""
    catalog = _catalog(settings)
    metrics = BotMetrics(catalog_date=str(catalog.as_of))
    link = SlackLink(metrics)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(_session())
        engine = await stack.enter_async_context(_database(settings))
        thinker = Thinker(settings.site_catalog, processes=settings.plan_processes)
        stack.push_async_callback(asyncio.to_thread, thinker.close)
        storing = stack.enter_context(ThreadPoolExecutor(max_workers=1, thread_name_prefix="store"))
        client = web_client(settings, metrics, session)
        ourselves: asyncio.Future[AuthorizeResult] = asyncio.get_running_loop().create_future()
        app, workspaces = slack_app(settings, metrics, session, engine, storing, ourselves)
        outbox = Outbox(client=client, session=session, metrics=metrics, workspaces=workspaces)
        desk = _desk(settings, catalog, thinker, metrics)
        rounds = _rounds(settings, desk, outbox, WatchStore(engine), storing)
        channels = Channels(desk=desk, store=DefaultsStore(engine), worker=storing)
        reception = Reception(desk=desk, outbox=outbox, metrics=metrics, channels=channels)
        register_listeners(app, reception, Watching(reception, rounds))
        pages = _pages(settings, desk, link, _alerts(settings, desk, outbox, AlertStore(engine), storing))
        if workspaces:
            add_install_routes(pages, app)
            await workspaces.installations.reseal()
        await desk.read(FIRST_QUESTION)  # builds the index of names, for which no acknowledgement should wait
        await stack.enter_async_context(serve_http(settings, pages, app))
        if workspaces:
            await stack.enter_async_context(every(RENEW_EVERY_SECONDS, workspaces.installations.renew_all))
        else:
            us = await slack_knows_us(client, stop)
            if us is None:
                return
            ourselves.set_result(us)
        await thinker.warm()
        _freeze_facts()
        await stack.enter_async_context(slack_link(settings, app, link))
        if desk.reader:
            await stack.enter_async_context(every(FLEET_READY_SECONDS, desk.reader.keep_ready))
            await stack.enter_async_context(every(settings.watch_every_seconds, rounds.run))
        await stop.wait()
        log.info("stopping")
        await reception.finish(FINISH_SECONDS)


def _freeze_facts() -> None:
    """Leave the facts out of garbage collections: each took 85 ms to go through them, in which nobody was heard."""
    gc.collect()
    gc.freeze()


def _desk(settings: BotSettings, catalog: Catalog, thinker: Thinker, metrics: BotMetrics) -> Desk:
    return Desk(
        catalog=catalog,
        reader=_reader(settings, metrics),
        thinker=thinker,
        command=settings.command,
        look_ups=_look_ups(settings),
    )


def _pages(settings: BotSettings, desk: Desk, link: SlackLink, alerts: AlertDesk) -> web.Application:
    """What is served beside Slack's own requests."""
    pages = web.Application()
    add_health_routes(pages, link.metrics, link)
    if settings.api_token:
        add_fit_route(pages, desk, settings.api_token)
    if settings.alerts_token:
        add_alert_route(pages, alerts, settings.alerts_token)
    return pages


def _catalog(settings: BotSettings) -> Catalog:
    try:
        return load_catalog(settings.site_catalog)
    except UserError as error:
        raise CannotStart(error.sentence) from None


def _look_ups(settings: BotSettings) -> LookUps | None:
    hub = settings.hub_settings()
    return LookUps(hub) if hub else None


def _rounds(
    settings: BotSettings, desk: Desk, outbox: Outbox, store: WatchStore, storing: ThreadPoolExecutor
) -> WatchRound:
    return WatchRound(
        desk=desk,
        outbox=outbox,
        store=store,
        worker=storing,
        metrics=outbox.metrics,
        owner=f"{socket.gethostname()[:24]}-{uuid.uuid4().hex[:12]}",
        hold=timedelta(seconds=settings.watch_hold_seconds),
        lease=timedelta(seconds=settings.watch_lease_seconds),
    )


def _alerts(
    settings: BotSettings, desk: Desk, outbox: Outbox, store: AlertStore, storing: ThreadPoolExecutor
) -> AlertDesk:
    return AlertDesk(
        desk=desk,
        outbox=outbox,
        store=store,
        worker=storing,
        default_channel=settings.alerts_channel,
        routes=settings.alerts_routes,
        prometheus_url=settings.prometheus_url,
        deadline_seconds=settings.fleet_timeout_seconds,
        lease=timedelta(seconds=settings.watch_lease_seconds),
    )


@asynccontextmanager
async def _session() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=SLACK_TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
        yield session


@asynccontextmanager
async def _database(settings: BotSettings) -> AsyncIterator[Engine]:
    engine = await asyncio.to_thread(open_database, settings.database_url.get_secret_value())
    try:
        yield engine
    finally:
        engine.dispose()


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
        reader.note, reader.keep_seconds = metrics.note_look, settings.fleet_keep_seconds
    return reader
