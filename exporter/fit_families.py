"""What fits as metric families put together from blocks, one per device or group, whose text stays with them."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

from prometheus_client.metrics_core import Metric as PrometheusMetric
from prometheus_client.samples import Sample

from exporter.sample_lines import sample_lines
from shared import metric_names as names
from shared.metric_names import Metric
from shared.node_report import FitReport

ON_GPUS: Final = (names.FITS_NOW, names.FITS_EMPTY, names.FIT_REQUIRED, names.FIT_HEADROOM)
IN_GROUPS: Final = (
    names.GROUP_FITS_NOW,
    names.GROUP_FITS_EMPTY,
    names.GROUP_FIT_REQUIRED,
    names.GROUP_FIT_HEADROOM,
)


class FitBlock:
    """One device's or group's fits as samples and as text, in the order of the four metrics."""

    def __init__(self, label: str, key: str, fits: tuple[FitReport, ...], wanted: Sequence[Metric]) -> None:
        self.fits = fits
        self._label = label
        self._key = key
        self._wanted = wanted

    @cached_property
    def samples(self) -> tuple[list[Sample], ...]:
        """The samples of each metric; a value that is not known is a series that is not there."""
        labels = [{self._label: self._key, **_candidate(fit)} for fit in self.fits]
        return tuple(
            [
                Sample(metric.name, given, value)
                for given, value in zip(labels, values, strict=True)
                if value is not None
            ]
            for metric, values in zip(self._wanted, _values(self.fits), strict=True)
        )

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The text of each metric."""
        return tuple(sample_lines(samples) for samples in self.samples)


class FitFamily(PrometheusMetric):
    """A family put together from blocks; `lines` is its text, in both formats the same."""

    def __init__(self, metric: Metric, blocks: Sequence[FitBlock], place: int) -> None:
        self._blocks = blocks
        self._place = place
        super().__init__(metric.name, metric.help, "gauge", metric.unit)

    @property
    def samples(self) -> list[Sample]:
        """What the library shows."""
        return [sample for block in self._blocks for sample in block.samples[self._place]]

    @samples.setter
    def samples(self, _value: list[Any]) -> None:
        """The library's constructor sets an empty list: ours are the blocks'."""

    @property
    def lines(self) -> str:
        """All samples as text."""
        return "".join([block.lines[self._place] for block in self._blocks])


def _values(fits: Sequence[FitReport]) -> tuple[list[float | None], ...]:
    return (
        [fit.fits_now for fit in fits],
        [fit.fits_empty for fit in fits],
        [fit.required_bytes for fit in fits],
        [fit.headroom_bytes for fit in fits],
    )


def _candidate(fit: FitReport) -> dict[str, str]:
    return {
        "model": fit.model,
        "quantization": fit.quantization,
        "engine": fit.engine,
        "context": str(fit.context_tokens),
        "sequences": str(fit.sequences),
    }
