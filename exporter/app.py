"""The composition root: the one place that names the real driver, clock, files and network."""

import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.schedulers.background import BackgroundScheduler

from exporter.attribution import Attribute, FromProc, FromSimulation
from exporter.candidates import BadCandidates, CandidateSource
from exporter.driver_health import DriverHealth
from exporter.kubernetes.source import PodResources
from exporter.look import BoundedLooks, Source
from exporter.memory_trim import settle
from exporter.nvml.device import HostMemory
from exporter.nvml.driver import Nvml
from exporter.processes import Proc
from exporter.published import Board
from exporter.reporter import NodeFacts, Reporter
from exporter.settings import ExporterSettings
from exporter.simulated.node_file import BadNodeFile, read_node_file
from exporter.simulated.source import DEFAULT_NODE, SimulatedSource
from exporter.snapshot import Versions
from exporter.tally import Tally
from exporter.web.config_file import BadWebConfig
from exporter.web.guard import Guard
from exporter.web.server import CannotListen, Server
from exporter.web.site import Site
from shared.catalog.catalog import Catalog
from shared.catalog.load import BadFacts, load_catalog

log: Final = logging.getLogger("fittingroom.exporter")

EXIT_OK: Final = 0
EXIT_BAD_SETTINGS: Final = 2
EXIT_RESTART_ME: Final = 75  # the driver was exchanged under us; a supervisor starts us anew
_GRACE: Final = 0.5
_SWITCH_SECONDS: Final = (
    0.0001  # a scrape waits this long, not Python's 5 ms, each time a look must let it run
)


class CannotStart(Exception):
    """Something the exporter cannot begin without; the message is one sentence or one line per mistake."""


class Exporter:
    """Everything wired together, not yet started.

    Args:
        settings: What to do.
        end: Called when only a new process can go on; then `must_restart` is true.

    Raises:
        CannotStart: The catalog or the candidate file cannot be used.
    """

    def __init__(self, settings: ExporterSettings, end: Callable[[], None] = lambda: None) -> None:
        self._settings = settings
        try:
            catalog = load_catalog(settings.site_catalog)
            candidates = CandidateSource(settings.candidates, catalog)
            listed = candidates.load()
        except (BadFacts, BadCandidates) as error:
            raise CannotStart(str(error)) from error
        log.info("catalog of %s, %d candidates", catalog.as_of, len(listed.candidates))
        program = version("fittingroom")
        self.tally = Tally()
        self.board = Board(settings.max_age_seconds)
        self.health = DriverHealth()
        source = _source(settings, catalog)
        self._looks = BoundedLooks(
            source,
            settings.poll_timeout_seconds,
            first_pause_seconds=settings.poll_interval_seconds * _GRACE,
        )
        self._reporter = Reporter(
            NodeFacts(
                node=_node_name(settings),
                simulated=settings.simulate is not None,
                versions=Versions(program=program, estimator=program, catalog=catalog.as_of.isoformat()),
                poll_interval_seconds=settings.poll_interval_seconds,
                series_limit=settings.series_limit,
            ),
            catalog,
            candidates,
            _attribute(settings, source, self.tally),
            PodResources(settings.pod_resources_socket).read if settings.pod_resources_socket else None,
        )
        self.must_restart = False
        self._end = end
        self._failing_with: str | None = None

    def look(self) -> None:
        """One look, published. A mistake of ours is logged and counted, and the next look goes on."""
        try:
            look = self._looks.look()
            self.tally.look(look)
            self.health.look(look)
            self._say(look.failure_code, look.failure)
            self.board.publish(self._reporter.snapshot(look, self.tally.counts()))
        except Exception:
            log.exception("a look at the GPUs failed through a mistake of ours")
            self.tally.failed_look()
        if self.health.must_restart:
            self.must_restart = True
            self._end()

    def _say(self, code: str | None, sentence: str | None) -> None:
        """Log a change of fortune once, not every poll."""
        if code != self._failing_with:
            if code is None:
                log.info("the GPUs can be read again")
            else:
                log.error("%s", sentence)
            self._failing_with = code

    def stop(self) -> None:
        """Let go of the driver."""
        self._looks.stop()


def run(settings: ExporterSettings, stop: threading.Event, *, started: threading.Event | None = None) -> int:
    """Serve until `stop` is set; returns the exit code.

    Args:
        settings: What to do.
        stop: Set by a signal, or by whoever runs us in a thread.
        started: Set once the address is listened on.

    Raises:
        CannotStart: Settings that cannot be used, or an address that cannot be listened on.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    guard = _guard(settings)
    exporter = Exporter(settings, end=stop.set)
    site = Site(exporter.board, exporter.tally, exporter.health.trouble)
    server = Server(
        guard.guarded(site.answer) if guard else site.answer,
        exporter.tally.request,
        max_connections=settings.max_connections,
        tls=guard.tls if guard else None,
    )
    try:
        port = server.start(settings.listen_address, settings.port)
    except CannotListen as error:
        exporter.stop()
        raise CannotStart(str(error)) from error
    scheme = "https" if guard and guard.tls else "http"
    note = " (simulated node)" if settings.simulate else ""
    log.info("listening on %s://%s:%d%s", scheme, settings.listen_address, port, note)
    settle()
    if started is not None:
        started.set()
    try:
        return _serve(exporter, settings.poll_interval_seconds, stop)
    finally:
        exporter.stop()
        server.stop()


def _serve(exporter: Exporter, interval_seconds: float, stop: threading.Event) -> int:
    """Look on and on until told to stop, or until only a new process can go on."""
    scheduler = _scheduler(exporter, interval_seconds)
    scheduler.start()
    try:
        stop.wait()
    finally:
        scheduler.shutdown(wait=False)
    if exporter.must_restart:
        log.error("the driver was changed under us; ending so that a supervisor starts us anew")
        return EXIT_RESTART_ME
    return EXIT_OK


def print_once(settings: ExporterSettings) -> int:
    """One look, its metrics on stdout; the exit code says whether the GPUs could be read."""
    exporter = Exporter(settings)
    exporter.look()
    exporter.stop()
    published = exporter.board.current()
    if published is None:
        return 1
    body = published.scrape.body(exporter.tally.counts, openmetrics=False, gzip=False)
    # "--once | head" ends quietly, as every tool in a pipe does
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.stdout.write(body.decode())
    return EXIT_OK if published.snapshot.report.health.ok else 1


def _guard(settings: ExporterSettings) -> Guard | None:
    if settings.web_config is None:
        return None
    try:
        return Guard(settings.web_config)
    except BadWebConfig as error:
        raise CannotStart(str(error)) from error


def _scheduler(exporter: Exporter, interval_seconds: float) -> BackgroundScheduler:
    """One look now and then one per interval: never two at once, late ones joined into one."""
    scheduler = BackgroundScheduler(
        timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    scheduler.add_job(exporter.look, "interval", seconds=interval_seconds, next_run_time=datetime.now(UTC))
    scheduler.add_listener(lambda _: exporter.tally.skipped(), EVENT_JOB_MAX_INSTANCES | EVENT_JOB_MISSED)
    return scheduler


def _simulated_file(simulate: Path) -> Path:
    return DEFAULT_NODE if str(simulate) == "default" else simulate


def _node_name(settings: ExporterSettings) -> str:
    """As set, else as the simulation calls itself, else the hostname."""
    if settings.node is None and settings.simulate is not None:
        try:
            return read_node_file(_simulated_file(settings.simulate)).node
        except BadNodeFile as error:
            raise CannotStart(str(error)) from error
    return settings.node or socket.gethostname()


def _source(settings: ExporterSettings, catalog: Catalog) -> Source:
    if settings.simulate is not None:
        return SimulatedSource(_simulated_file(settings.simulate))
    names = {name for row in catalog.gpus.values() if not row.unified_memory for name in row.nvml_names}
    return Nvml(HostMemory(read=Proc(settings.proc).host_memory, never_for=names))


def _attribute(settings: ExporterSettings, source: Source, tally: Tally) -> Attribute:
    if isinstance(source, SimulatedSource):
        return FromSimulation(source)
    trusted = {"auto": None, "always": True, "never": False}[settings.attribute_processes]
    return FromProc(
        Proc(settings.proc, trusted),
        ask_engines=settings.engine_apis,
        timeout_seconds=settings.engine_timeout_seconds,
        failed=tally.engine_error,
    )
