"""What fits as metric families whose text is kept while nothing changes: nine tenths of a scrape's lines are these."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from prometheus_client.metrics_core import Metric as PrometheusMetric
from prometheus_client.samples import Sample

from exporter.families import family
from exporter.sample_lines import sample_lines
from shared import metric_names as names
from shared.metric_names import Metric
from shared.node_report import FitReport, NodeReport

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


class FitBlocks:
    """The blocks in use. A fit report is never changed, so the very same ones have the very same text."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], FitBlock] = {}

    def families(self, report: NodeReport) -> Iterator[PrometheusMetric]:
        """`fittingroom_fits_now{uuid="GPU-…",model="llama-3.1-8b",quantization="Q4_K_M",…} 1` and its kin."""
        before, self._kept = self._kept, {}
        on_gpus = [self._block(before, "uuid", gpu.uuid, gpu.fits, ON_GPUS) for gpu in report.gpus]
        yield from (FitFamily(metric, on_gpus, place) for place, metric in enumerate(ON_GPUS))
        members = (
            ({"group": group.group, "uuid": uuid}, 1) for group in report.groups for uuid in group.uuids
        )
        yield family(names.GROUP_INFO, members)
        in_groups = [
            self._block(before, "group", group.group, group.fits, IN_GROUPS) for group in report.groups
        ]
        yield from (FitFamily(metric, in_groups, place) for place, metric in enumerate(IN_GROUPS))

    def _block(
        self,
        before: Mapping[tuple[str, str], FitBlock],
        label: str,
        key: str,
        fits: tuple[FitReport, ...],
        wanted: Sequence[Metric],
    ) -> FitBlock:
        block = before.get((label, key))
        if block is None or block.fits is not fits:
            block = FitBlock(label, key, fits, wanted)
        self._kept[label, key] = block
        return block


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
