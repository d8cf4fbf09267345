"""One number an engine printed beside ours, what is asked of it, and the table of many."""

import statistics
from collections.abc import Iterable, Iterator, Mapping
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
    """A component's errors beside its bar."""

    component: str
    count: int
    median: float
    p95: float
    worst: float
    worst_case: str
    bar: Bar

    @property
    def met(self) -> bool:
        """Whether both bars are met."""
        return self.median <= self.bar.median and self.p95 <= self.bar.p95


def scores(found: Iterable[Term], bars: Mapping[str, Bar]) -> Iterator[Score]:
    """One score per component, in the order they come."""
    by_component: dict[str, list[Term]] = {}
    for term in found:
        by_component.setdefault(term.component, []).append(term)
    for component, rows in by_component.items():
        bar = bars[component]
        errors = sorted((row.share if bar.relative else row.error, row.case) for row in rows)
        values = [error for error, _ in errors]
        median = statistics.median(values)
        p95 = statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else median
        yield Score(
            component=component,
            count=len(rows),
            median=median,
            p95=p95,
            worst=values[-1],
            worst_case=errors[-1][1],
            bar=bar,
        )


def report(found: Iterable[Term], bars: Mapping[str, Bar]) -> Iterator[str]:
    """One line per component: count, median and 95th percentile of the error, the worst case, and the bar."""
    yield f"{'component':46} {'n':>5} {'median':>10} {'p95':>10}   bar                    worst"
    for row in scores(found, bars):
        asked = f"{row.bar.said(row.bar.median)} / {row.bar.said(row.bar.p95)}"
        errors = f"{row.bar.said(row.median):>10} {row.bar.said(row.p95):>10}"
        worst = f"{row.bar.said(row.worst)} {row.worst_case}"
        yield f"{row.component:46} {row.count:5} {errors}   {asked:22} {worst}"
