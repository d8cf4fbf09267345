"""How the bot itself is: its metrics, and the pages /healthz, /readyz and /metrics."""

import time
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from bot.fleet import Fleet, FleetUnavailable
from bot.version import VERSION
from shared import metric_names as names

AWAY_TOO_LONG_SECONDS: Final = 600.0  # Slack away longer than this: a restart may help
_ANSWER_BUCKETS: Final = (0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30)


@dataclass(slots=True)
class BotMetrics:
    """The bot's series, in a registry of their own."""

    catalog_date: str
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    questions: Counter = field(init=False)
    answer_seconds: Histogram = field(init=False)
    slack_connected: Gauge = field(init=False)
    slack_errors: Counter = field(init=False)
    slack_rate_limited: Counter = field(init=False)
    fleet_reads: Counter = field(init=False)
    fleet_timestamp: Gauge = field(init=False)
    watches: Gauge = field(init=False)
    notifications: Counter = field(init=False)

    def __post_init__(self) -> None:
        self.questions = self._counter(names.BOT_QUESTIONS)
        self.answer_seconds = Histogram(
            names.BOT_ANSWER_SECONDS.name,
            names.BOT_ANSWER_SECONDS.help,
            names.BOT_ANSWER_SECONDS.labels,
            buckets=_ANSWER_BUCKETS,
            registry=self.registry,
        )
        self.slack_connected = self._gauge(names.BOT_SLACK_CONNECTED)
        self.slack_errors = self._counter(names.BOT_SLACK_ERRORS)
        self.slack_rate_limited = self._counter(names.BOT_SLACK_RATE_LIMITED)
        self.fleet_reads = self._counter(names.BOT_FLEET_READS)
        self.fleet_timestamp = self._gauge(names.BOT_FLEET_TIMESTAMP)
        self.watches = self._gauge(names.BOT_WATCHES)
        self.notifications = self._counter(names.BOT_NOTIFICATIONS)
        self._gauge(names.BUILD_INFO).labels(
            component="bot", version=VERSION, estimator_version=VERSION, catalog_date=self.catalog_date
        ).set(1)

    def note_look(self, look: Fleet | FleetUnavailable) -> None:
        """Count a look at the fleet."""
        if isinstance(look, FleetUnavailable):
            self.fleet_reads.labels(result="failure").inc()
            return
        self.fleet_reads.labels(result="partial" if look.problems else "success").inc()
        self.fleet_timestamp.set_to_current_time()

    def _counter(self, metric: names.Metric) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self.registry)

    def _gauge(self, metric: names.Metric) -> Gauge:
        return Gauge(metric.name, metric.help, metric.labels, registry=self.registry)


@dataclass(slots=True)
class SlackLink:
    """Whether Slack reaches us, and since when."""

    metrics: BotMetrics
    connected: bool = False
    changed_at: float = field(default_factory=time.monotonic)

    def set(self, connected: bool) -> None:
        """Note the state; only a change counts."""
        if connected != self.connected:
            self.connected, self.changed_at = connected, time.monotonic()
        self.metrics.slack_connected.set(connected)

    @property
    def away_too_long(self) -> bool:
        """Slack has been away for so long that we call ourselves unhealthy."""
        return not self.connected and time.monotonic() - self.changed_at > AWAY_TOO_LONG_SECONDS


def add_health_routes(app: web.Application, metrics: BotMetrics, link: SlackLink) -> None:
    """The three pages. /healthz fails when a restart may help, /readyz while Slack does not reach us."""

    async def healthz(_request: web.Request) -> web.StreamResponse:
        return _page(good=not link.away_too_long)

    async def readyz(_request: web.Request) -> web.StreamResponse:
        return _page(good=link.connected)

    async def metrics_page(_request: web.Request) -> web.StreamResponse:
        return web.Response(
            body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics_page)


def _page(*, good: bool) -> web.Response:
    return web.Response(text="ok\n" if good else "Slack does not reach us\n", status=200 if good else 503)
