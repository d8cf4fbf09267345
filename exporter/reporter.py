"""A look becomes a report: devices known so far, the models on them, and what else would fit."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from exporter.attribution import Attribute, Attribution
from exporter.candidates import CandidateList, CandidateSource
from exporter.fits import Fits, Fitting, Place, groups
from exporter.gpu_report import gpu_report
from exporter.known_devices import remembered, with_the_missing
from exporter.kubernetes.device_ids import workloads
from exporter.kubernetes.pod_resources import Assignment
from exporter.live_gpus import live_row
from exporter.loaded_models import loaded_models
from exporter.look import Look
from exporter.reading import DeviceIdentity, DeviceReading
from exporter.recognition import Recognition
from exporter.snapshot import Snapshot, Versions
from exporter.tally import Counts
from shared.catalog.catalog import Catalog
from shared.catalog.names import match_live_gpu
from shared.catalog.rows import Gpu
from shared.node_report import GroupReport, HealthReport, LoadedModelReport, NodeReport, WorkloadReport

PodReader = Callable[[], tuple[Assignment, ...] | None]
"""Which container was given which device; None when that cannot be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What does not change while the exporter runs."""

    node: str
    simulated: bool
    versions: Versions
    poll_interval_seconds: float
    series_limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What was made of one look's devices; the mappings are by uuid."""

    devices: tuple[DeviceReading, ...]
    rows: Mapping[str, Gpu]
    groups: tuple[Place, ...]
    fits: Fits
    attribution: Attribution
    models: Mapping[str, tuple[LoadedModelReport, ...]]
    pods: Mapping[str, tuple[WorkloadReport, ...]]
    kubelet_answered: bool


class Reporter:
    """Turns looks into snapshots; remembers devices, and rows and estimates that stay the same."""

    def __init__(
        self,
        facts: NodeFacts,
        catalog: Catalog,
        candidates: CandidateSource,
        attribute: Attribute,
        pods: PodReader | None = None,
    ) -> None:
        self._facts = facts
        self._attribute = attribute
        self._pods = pods
        self._catalog = catalog
        self._candidates = candidates
        self._fitting = Fitting(catalog)
        self._recognition = Recognition(catalog)
        self._known: Mapping[str, DeviceIdentity] = {}
        self._rows: dict[str, Gpu] = {}
        self._live: dict[tuple[str, int, int], Gpu] = {}
        self._last_success: float | None = None

    def snapshot(self, look: Look, counts: Counts) -> Snapshot:
        """What is served until the next look."""
        listed = self._candidates.current()
        found = self._find(self._devices(look), listed)
        return Snapshot(
            report=self._report(look, listed, found),
            counts=counts,
            versions=self._facts.versions,
            pod_resources_up=None if self._pods is None else found.kubelet_answered,
            candidates_unsupported=found.fits.unsupported,
            candidates_reload_ok=listed.reload_ok,
            series_limit=self._facts.series_limit,
        )

    def _devices(self, look: Look) -> tuple[DeviceReading, ...]:
        """The devices of the look, and as down those it lacks."""
        if look.reading is None:
            return with_the_missing(self._known, (), reason=look.failure_code or "unknown")
        self._known = remembered(self._known, look.reading.devices)
        self._last_success = look.started_unix
        return with_the_missing(self._known, look.reading.devices)

    def _find(self, devices: tuple[DeviceReading, ...], listed: CandidateList) -> _Found:
        """What kind the devices are, what fits them, and whose memory they hold."""
        rows = {
            device.identity.uuid: row for device in devices if (row := self._catalog_row(device)) is not None
        }
        live = dict(self._live_rows(devices, rows))
        places = tuple(_places(devices, live))
        together = tuple(groups([place for place in places if not _is_slice(place, devices)]))
        attribution = self._attribute(devices)
        given = self._pods() if self._pods is not None else ()
        pods = workloads(devices, given or ())
        return _Found(
            devices=devices,
            rows=rows,
            groups=together,
            fits=self._fitting.fits((*places, *together), listed.candidates, self._facts.series_limit),
            attribution=attribution,
            models=loaded_models(devices, attribution, live, pods, self._recognition),
            pods=pods,
            kubelet_answered=given is not None,
        )

    def _report(self, look: Look, listed: CandidateList, found: _Found) -> NodeReport:
        return NodeReport(
            node=self._facts.node,
            simulated=self._facts.simulated,
            driver_version=look.reading.driver_version if look.reading else None,
            taken_unix=look.started_unix if look.reading else None,
            exporter_version=self._facts.versions.program,
            catalog_date=self._facts.versions.catalog,
            health=self._health(look, listed, found),
            gpus=tuple(
                gpu_report(
                    device,
                    found.rows.get(device.identity.uuid),
                    found.fits.by_place.get(device.identity.uuid, ()),
                    found.models.get(device.identity.uuid, ()),
                    found.pods.get(device.identity.uuid, ()),
                    readable=not found.attribution.reason,
                )
                for device in found.devices
            ),
            groups=tuple(
                # the very tuple of the fits, which checking would copy: what is kept from look to look knows it by that
                GroupReport.model_construct(
                    group=place.key, uuids=place.uuids, fits=found.fits.by_place[place.key]
                )
                for place in found.groups
            ),
        )

    def _health(self, look: Look, listed: CandidateList, found: _Found) -> HealthReport:
        return HealthReport(
            ok=look.reading is not None,
            driver_up=look.reading is not None,
            message=look.failure,
            last_success_unix=self._last_success,
            poll_duration_seconds=look.duration_seconds,
            poll_interval_seconds=self._facts.poll_interval_seconds,
            process_attribution=not found.attribution.reason,
            process_attribution_reason=found.attribution.reason,
            candidates=len(listed.candidates),
            series_dropped=found.fits.series_dropped,
        )

    def _catalog_row(self, device: DeviceReading) -> Gpu | None:
        """The row of what kind of GPU this is, by name and size; a MIG instance is its parent's kind."""
        identity = device.identity
        if identity.parent_uuid is not None:
            return self._rows.get(identity.parent_uuid)
        if device.memory is not None and identity.uuid not in self._rows:
            size = 0 if identity.memory_kind == "unified" else device.memory.total_bytes
            row = match_live_gpu(identity.name, size, self._catalog)
            if row is not None:
                self._rows[identity.uuid] = row
        return self._rows.get(identity.uuid)

    def _live_rows(
        self, devices: Sequence[DeviceReading], rows: Mapping[str, Gpu]
    ) -> Iterator[tuple[str, Gpu]]:
        """The catalog's rows with these devices' own memory sizes, by uuid.

        The same object at every look: the fits remember by it, and comparing rows field by field is slow.
        """
        for device in devices:
            row = rows.get(device.identity.uuid)
            live = live_row(device, row) if row is not None else None
            if live is not None:
                key = live.id, live.memory_total_bytes, live.memory_usable_bytes
                yield device.identity.uuid, self._live.setdefault(key, live)


def _places(devices: Sequence[DeviceReading], live: Mapping[str, Gpu]) -> Iterator[Place]:
    """Every device a model could be put on: known kind, known memory, not a parent whose slices are in use."""
    for device in devices:
        row = live.get(device.identity.uuid)
        if row is not None and device.memory is not None and not device.mig_enabled:
            yield Place(key=device.identity.uuid, row=row, free_bytes=(device.memory.free_bytes,))


def _is_slice(place: Place, devices: Sequence[DeviceReading]) -> bool:
    """Whether this is a MIG instance: engines cannot join those."""
    return any(one.identity.uuid == place.key and one.identity.parent_uuid is not None for one in devices)
