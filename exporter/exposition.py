"""Scrapes as bytes: rendered once per snapshot, finished per request with what changes in between."""

import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

from prometheus_client import ProcessCollector
from prometheus_client.metrics_core import Metric as PrometheusMetric

from exporter.families import family, only, single
from exporter.fit_section import FitBlocks
from exporter.gzip_parts import Part, Parts
from exporter.metrics import families
from exporter.snapshot import Snapshot
from exporter.tally import Counts
from exporter.text_format import exposition
from shared import metric_names as names

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_END: Final = "# EOF\n"
_SAME_FOR_SECONDS: Final = 0.1
_OPENMETRICS_ASKED: Final = re.compile(r"application/openmetrics-text\s*(;[^,]*)?(,|$)", re.IGNORECASE)

Format = tuple[bool, bool]
"""Whether it is OpenMetrics, and whether it is compressed."""


def _tail(age_seconds: float | None, counts: Counts) -> Iterator[PrometheusMetric]:
    """What changes between two looks."""
    yield single(names.SNAPSHOT_AGE, age_seconds)
    yield family(
        names.HTTP_REQUESTS, (({"code": code}, count) for code, count in sorted(counts.requests.items()))
    )


class Scrape:
    """A snapshot in both formats, each rendered once: beforehand if it was asked for last time, else when it is.

    Args:
        snapshot: What to show.
        process: The collector of our own CPU and memory; it is read now, not at each request.
        fits: The text of what fits, kept from the snapshot before.
        asked: The formats that the snapshot before was asked for.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        process: ProcessCollector,
        fits: FitBlocks | None = None,
        asked: Iterable[Format] = (),
    ) -> None:
        self._finished: dict[Format, tuple[float, bytes]] = {}
        self._taken = snapshot.report.taken_unix
        self._fits = (fits or FitBlocks()).section(snapshot.report)
        self._changing = (*families(snapshot), *process.collect())
        self._parts: dict[bool, Parts] = {}
        for openmetrics, gzip in asked:
            self._rendered(openmetrics=openmetrics).ended(b"", gzip=gzip)

    @property
    def asked(self) -> Collection[Format]:
        """The formats it has been asked for."""
        return tuple(self._finished)

    def body(self, counts: Callable[[], Counts], *, openmetrics: bool, gzip: bool) -> bytes:
        """The answer to one scrape. Scrapes within a tenth of a second of each other get the same."""
        now = time.time()
        made, body = self._finished.get((openmetrics, gzip), (0.0, b""))
        if not 0 <= now - made < _SAME_FOR_SECONDS:
            age = None if self._taken is None else max(0.0, now - self._taken)
            tail = exposition(_tail(age, counts()), openmetrics=openmetrics) + (_END if openmetrics else "")
            body = self._rendered(openmetrics=openmetrics).ended(tail.encode(), gzip=gzip)
            self._finished[openmetrics, gzip] = now, body
        return body

    def _rendered(self, *, openmetrics: bool) -> Parts:
        """One format of what stays as it is until the next look."""
        if openmetrics not in self._parts:
            changing = exposition(self._changing, openmetrics=openmetrics)
            kept = self._fits.openmetrics if openmetrics else self._fits.text
            self._parts[openmetrics] = Parts((Part(changing.encode()), kept))
        return self._parts[openmetrics]

    def filtered(self, wanted: Collection[str]) -> bytes:
        """Only the named metrics, as text: rendered for the asking, since nobody asks twice the same."""
        return exposition(only(wanted, (*self._changing, *self._fits.families)), openmetrics=False).encode()


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
