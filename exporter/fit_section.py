"""All of what fits, kept as text while nothing changes: nine tenths of a scrape's lines are these."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from prometheus_client.metrics_core import Metric as PrometheusMetric

from exporter.families import family
from exporter.fit_families import IN_GROUPS, ON_GPUS, FitBlock, FitFamily
from exporter.gzip_parts import Part
from exporter.text_format import exposition
from shared import metric_names as names
from shared.metric_names import Metric
from shared.node_report import FitReport, NodeReport

Blocks = tuple[tuple[FitBlock, ...], tuple[FitBlock, ...]]
"""Those of the devices, and those of the groups."""


class FitSection:
    """All of what fits, as families and as text; the text of each format is made when first wanted."""

    def __init__(self, blocks: Blocks, members: Sequence[tuple[str, str]]) -> None:
        self.blocks, self.members = blocks, members

    @cached_property
    def families(self) -> tuple[PrometheusMetric, ...]:
        """`fittingroom_fits_now{uuid="GPU-…",model="llama-3.1-8b",quantization="Q4_K_M",…} 1` and its kin."""
        on_gpus, in_groups = self.blocks
        return (
            *(FitFamily(metric, on_gpus, place) for place, metric in enumerate(ON_GPUS)),
            family(names.GROUP_INFO, (({"group": group, "uuid": uuid}, 1) for group, uuid in self.members)),
            *(FitFamily(metric, in_groups, place) for place, metric in enumerate(IN_GROUPS)),
        )

    @cached_property
    def text(self) -> Part:
        """As Prometheus text."""
        return Part(exposition(self.families, openmetrics=False).encode())

    @cached_property
    def openmetrics(self) -> Part:
        """As OpenMetrics."""
        return Part(exposition(self.families, openmetrics=True).encode())


class FitBlocks:
    """The blocks in use. A fit report is never changed, so the very same ones have the very same text."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], FitBlock] = {}
        self._section = FitSection(((), ()), ())

    def section(self, report: NodeReport) -> FitSection:
        """The section of a report: that of the report before while it says the same."""
        before, self._kept = self._kept, {}
        blocks = (
            tuple(self._block(before, "uuid", gpu.uuid, gpu.fits, ON_GPUS) for gpu in report.gpus),
            tuple(
                self._block(before, "group", group.group, group.fits, IN_GROUPS) for group in report.groups
            ),
        )
        members = tuple((group.group, uuid) for group in report.groups for uuid in group.uuids)
        if (blocks, members) != (self._section.blocks, self._section.members):
            self._section = FitSection(blocks, members)
        return self._section

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
