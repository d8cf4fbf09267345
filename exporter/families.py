"""Metric families built from the contract: a name and its labels are written in shared.metric_names only."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric as PrometheusMetric
from prometheus_client.samples import Sample

from shared.metric_names import Metric

Rows = Iterable[tuple[Mapping[str, str], float | None]]
"""Labels and value of each series; a value of None is a series that is not there."""


def empty_family(metric: Metric) -> PrometheusMetric:
    """The family without series."""
    if metric.kind == "counter":
        return CounterMetricFamily(metric.name.removesuffix("_total"), metric.help, labels=metric.labels)
    if metric.kind == "info":
        return InfoMetricFamily(metric.name.removesuffix("_info"), metric.help, labels=metric.labels)
    return GaugeMetricFamily(metric.name, metric.help, labels=metric.labels, unit=metric.unit)


def family(metric: Metric, rows: Rows) -> PrometheusMetric:
    """The family with a sample per row that has a value."""
    built = empty_family(metric)
    name, labels = metric.name, metric.labels
    built.samples = [
        Sample(name, {label: given[label] for label in labels}, value)
        for given, value in rows
        if value is not None
    ]
    return built


def single(metric: Metric, value: float | None) -> PrometheusMetric:
    """A family without labels."""
    return family(metric, [({}, value)])


def only(wanted: Collection[str], families: Iterable[PrometheusMetric]) -> Iterator[PrometheusMetric]:
    """The families that have series of these names, with those series alone."""
    for given in families:
        samples = [sample for sample in given.samples if sample.name in wanted]
        if samples:
            kept = PrometheusMetric(given.name, given.documentation, given.type, given.unit)
            kept.samples = samples
            yield kept
