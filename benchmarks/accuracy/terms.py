"""One number an engine printed beside ours, what is asked of it, and the table of many."""

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One number an engine printed beside ours; sizes in GiB."""

    component: str
    case: str
    estimated: float
    measured: float

    @property
    def error(self) -> float:
        """Absolute."""
        return abs(self.estimated - self.measured)

    @property
    def share(self) -> float:
        """Absolute, as a share of what was measured."""
        return self.error / self.measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What is asked of a component: median and 95th percentile, as shares or in GiB."""

    median: float
    p95: float
    relative: bool

    def said(self, value: float) -> str:
        """An error in the unit of this bar."""
        return f"{value:.2%}" if self.relative else f"{value:.3f} GiB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A component's errors beside its bar; no bar where nothing is asked."""

    component: str
    count: int
    median: float
    p95: float
    worst: float
    worst_case: str
    bar: Bar | None

    @property
    def met(self) -> bool:
        """Whether both bars are met; nothing asked is met."""
        return self.bar is None or (self.median <= self.bar.median and self.p95 <= self.bar.p95)


def scores(found: Iterable[Term], bars: Mapping[str, Bar | None]) -> Iterator[Score]:
    """One score per component, in the order they come.

    Raises:
        KeyError: A component that `bars` does not name.
    """
    by_component: dict[str, list[Term]] = {}
    for term in found:
        by_component.setdefault(term.component, []).append(term)
    for component, rows in by_component.items():
        bar = bars[component]
        relative = bar is None or bar.relative
        errors = sorted((row.share if relative else row.error, row.case) for row in rows)
        values = [error for error, _ in errors]
        yield Score(
            component=component,
            count=len(rows),
            median=statistics.median(values),
            p95=percentile_95(values),
            worst=values[-1],
            worst_case=errors[-1][1],
            bar=bar,
        )


def percentile_95(values: Sequence[float]) -> float:
    """The 95th percentile, interpolated; of one value that value."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def report(found: Iterable[Term], bars: Mapping[str, Bar | None]) -> Iterator[str]:
    """One line per component: count, median and 95th percentile of the error, the bar, and the worst case."""
    yield f"{'component':46} {'n':>5} {'median':>10} {'p95':>10}   bar                    worst"
    for row in scores(found, bars):
        said = row.bar.said if row.bar is not None else "{:.2%}".format
        asked = f"{said(row.bar.median)} / {said(row.bar.p95)}" if row.bar is not None else "-"
        errors = f"{said(row.median):>10} {said(row.p95):>10}"
        yield f"{row.component:46} {row.count:5} {errors}   {asked:22} {said(row.worst)} {row.worst_case}"
