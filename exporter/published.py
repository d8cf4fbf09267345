"""What is served at the moment: a snapshot in all its forms, rendered once; and nothing that is too old."""

import threading
import time
import zlib
from collections.abc import Collection
from functools import cached_property

from prometheus_client import CollectorRegistry, ProcessCollector

from exporter.exposition import Format, Scrape
from exporter.fit_section import FitBlocks
from exporter.page import render_page
from exporter.snapshot import Snapshot
from shared.node_report import GpuReport, NodeReport


class Encoded:
    """A body, plain and compressed; compressed when first asked for."""

    def __init__(self, plain: bytes) -> None:
        self.plain = plain

    @cached_property
    def gzip(self) -> bytes:
        """The body as one gzip stream."""
        return zlib.compress(self.plain, level=1, wbits=16 + zlib.MAX_WBITS)


class Published:
    """A snapshot as metrics, as JSON and as a page."""

    def __init__(
        self,
        snapshot: Snapshot,
        process: ProcessCollector,
        fits: FitBlocks | None = None,
        asked: Collection[Format] = (),
    ) -> None:
        self.snapshot = snapshot
        self.scrape = Scrape(snapshot, process, fits, asked)

    @cached_property
    def node_json(self) -> Encoded:
        """The report as JSON, made for the first who asks."""
        return Encoded(self.snapshot.report.model_dump_json().encode())

    @cached_property
    def page(self) -> Encoded:
        """The page, rendered for the first person who looks at this snapshot."""
        return Encoded(render_page(self.snapshot.report).encode())


class Board:
    """Where the latest snapshot hangs.

    One whose data is older than `max_age_seconds` is shown without the data: whatever kept the next look from coming,
    an old number must not pass for a new one.
    """

    def __init__(self, max_age_seconds: float) -> None:
        self._max_age = max_age_seconds
        self._lock = threading.Lock()
        self._current: Published | None = None
        # registered nowhere: the process's own metrics are part of each snapshot's registry
        self._process = ProcessCollector(registry=CollectorRegistry())
        self._fits = FitBlocks()  # of the one thread that publishes

    def publish(self, snapshot: Snapshot) -> None:
        """Put a snapshot in the place of the one before."""
        before = self._current
        asked = before.scrape.asked if before is not None else ()
        published = Published(snapshot, self._process, self._fits, asked)
        with self._lock:
            self._current = published

    def current(self) -> Published | None:
        """What to serve now; None before the first look has ended."""
        with self._lock:
            published = self._current
            if published is None:
                return None
            taken = published.snapshot.report.taken_unix
            if taken is not None and time.time() - taken > self._max_age:
                published = self._current = Published(_too_old(published.snapshot), self._process)
            return published


def _too_old(snapshot: Snapshot) -> Snapshot:
    """The snapshot with its devices down and its health not ok."""
    report = snapshot.report
    health = report.health.model_copy(
        update={"ok": False, "message": "The last look is too old to be shown; looking has stopped."}
    )
    emptied: NodeReport = report.model_copy(
        update={
            "taken_unix": None,
            "health": health,
            "gpus": tuple(_identity_only(gpu, "stale") for gpu in report.gpus),
            "groups": (),
        }
    )
    return Snapshot(
        report=emptied,
        counts=snapshot.counts,
        versions=snapshot.versions,
        pod_resources_up=snapshot.pod_resources_up,
        candidates_unsupported=snapshot.candidates_unsupported,
        candidates_reload_ok=snapshot.candidates_reload_ok,
        series_limit=snapshot.series_limit,
    )


def _identity_only(gpu: GpuReport, reason: str) -> GpuReport:
    return GpuReport(
        uuid=gpu.uuid,
        index=gpu.index,
        name=gpu.name,
        gpu=gpu.gpu,
        up=False,
        down_reason=gpu.down_reason or reason,
        memory_kind=gpu.memory_kind,
        parent_uuid=gpu.parent_uuid,
        mig_profile=gpu.mig_profile,
    )
