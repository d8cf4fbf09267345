"""Scrapes as bytes: rendered once per snapshot, finished per request with what changes in between."""

import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics_core import Metric as PrometheusMetric
from prometheus_client.registry import Collector

from exporter.families import empty_family, family, single
from exporter.fit_families import FitBlocks
from exporter.metrics import families
from exporter.snapshot import Snapshot
from exporter.tally import Counts
from exporter.text_format import exposition
from shared import metric_names as names

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_END: Final = b"# EOF\n"
_SAME_FOR_SECONDS: Final = 0.1
_GZIP: Final = 16 + zlib.MAX_WBITS
_OPENMETRICS_ASKED: Final = re.compile(r"application/openmetrics-text\s*(;[^,]*)?(,|$)", re.IGNORECASE)


class SnapshotCollector(Collector):
    """A snapshot's families as a collector of our own registry.

    `describe` gives the families empty: registering must not look at the node, and name filters must know the names.
    """

    def __init__(self, snapshot: Snapshot, fits: FitBlocks | None = None) -> None:
        self._snapshot = snapshot
        self._fits = fits
        self._families: tuple[PrometheusMetric, ...] | None = None

    def describe(self) -> Iterable[PrometheusMetric]:
        """Every family of this process, without series."""
        return [empty_family(metric) for metric in names.METRICS if metric.component != "bot"]

    def collect(self) -> Iterator[PrometheusMetric]:
        """The families with the snapshot's series."""
        if self._families is None:
            self._families = tuple(families(self._snapshot, self._fits))
        return iter(self._families)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tail:
    """What changes between two looks, as a registry of its own."""

    age_seconds: float | None
    counts: Counts

    def collect(self) -> Iterator[PrometheusMetric]:
        yield single(names.SNAPSHOT_AGE, self.age_seconds)
        yield family(
            names.HTTP_REQUESTS,
            (({"code": code}, count) for code, count in sorted(self.counts.requests.items())),
        )


class _Body:
    """One format of a scrape: the part that stays, plain and already compressed."""

    def __init__(self, content: bytes, *, openmetrics: bool) -> None:
        self._head = content.removesuffix(_END)
        self._openmetrics = openmetrics
        # A compressor that has taken the head in; each request continues on a copy, so it stays one gzip stream.
        self._compressor = zlib.compressobj(level=1, wbits=_GZIP)
        self._compressed = self._compressor.compress(self._head)

    def finish(self, tail: _Tail, *, gzip: bool) -> bytes:
        """The whole body."""
        text = exposition(tail.collect())[self._openmetrics]
        if not gzip:
            return self._head + text
        rest = self._compressor.copy()
        return self._compressed + rest.compress(text) + rest.flush()


class Scrape:
    """A snapshot rendered in both formats.

    Args:
        snapshot: What to show.
        process: The collector of our own CPU and memory; it is read now, not at each request.
        fits: The text of what fits, kept from the snapshot before.
    """

    def __init__(self, snapshot: Snapshot, process: ProcessCollector, fits: FitBlocks | None = None) -> None:
        self._finished: dict[tuple[bool, bool], tuple[float, bytes]] = {}
        self._taken = snapshot.report.taken_unix
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(SnapshotCollector(snapshot, fits))
        self._registry.register(process)
        text, openmetrics = exposition(self._registry.collect())
        self._text = _Body(text, openmetrics=False)
        self._openmetrics = _Body(openmetrics, openmetrics=True)

    def body(self, counts: Callable[[], Counts], *, openmetrics: bool, gzip: bool) -> bytes:
        """The answer to one scrape. Scrapes within a tenth of a second of each other get the same."""
        now = time.time()
        made, body = self._finished.get((openmetrics, gzip), (0.0, b""))
        if not 0 <= now - made < _SAME_FOR_SECONDS:
            age = None if self._taken is None else max(0.0, now - self._taken)
            chosen = self._openmetrics if openmetrics else self._text
            body = chosen.finish(_Tail(age_seconds=age, counts=counts()), gzip=gzip)
            self._finished[openmetrics, gzip] = now, body
        return body

    def filtered(self, wanted: Sequence[str]) -> bytes:
        """Only the named metrics, as text: rendered for the asking, since nobody asks twice the same."""
        return exposition(self._registry.restricted_registry(list(wanted)).collect())[0]


def wants_openmetrics(accept: str) -> bool:
    """Whether an Accept header asks for OpenMetrics."""
    return _OPENMETRICS_ASKED.search(accept) is not None


def wants_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header takes gzip (`gzip;q=0` refuses it)."""
    for part in accept_encoding.lower().split(","):
        name, _, parameters = part.partition(";")
        if name.strip() in {"gzip", "*"}:
            return parameters.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
