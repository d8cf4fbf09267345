"""Which candidates fit which devices, now and when empty: pure arithmetic over the estimator."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.candidates import Candidate
from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.errors import Refused, UserError
from shared.estimator import Estimate, estimate, hold
from shared.memory.breakdown import Verdict
from shared.memory.workload import Workload
from shared.node_report import FitReport

GROUP_SIZES: Final = (2, 4, 8, 16)
SERIES_PER_FIT: Final = 4
SERIES_PER_REFUSAL: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One device, or several equal ones that an engine could use together. `key` is a uuid or a group's name."""

    key: str
    row: Gpu
    free_bytes: tuple[int, ...]
    uuids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """The fits of every place, and what was left out."""

    by_place: dict[str, tuple[FitReport, ...]]
    unsupported: int
    series: int
    series_dropped: int


class Fitting:
    """Holds the candidates against places, remembering what does not change between two looks.

    Breakdowns depend on the candidate and the kind of device only; free memory is held against them at every look.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._empty: dict[tuple[Candidate, Gpu, int], Estimate | str | None] = {}

    def fits(self, places: Sequence[Place], candidates: Sequence[Candidate], series_limit: int) -> Fits:
        """Every candidate at every place, in the candidates' order; at the series limit the tail is dropped."""
        self._forget(places, candidates)
        found: dict[str, list[FitReport]] = {place.key: [] for place in places}
        series, dropped = 0, 0
        unsupported: set[Candidate] = set()
        for candidate in candidates:
            for place in places:
                fit = self._fit(candidate, place)
                if fit is None:
                    unsupported.add(candidate)
                    continue
                cost = SERIES_PER_FIT if fit.refused is None else SERIES_PER_REFUSAL
                if series + cost > series_limit:
                    dropped += cost
                else:
                    series += cost
                    found[place.key].append(fit)
        return Fits(
            by_place={key: tuple(reports) for key, reports in found.items()},
            unsupported=len(unsupported),
            series=series,
            series_dropped=dropped,
        )

    def _fit(self, candidate: Candidate, place: Place) -> FitReport | None:
        """The candidate at the place; None where the estimator has no rule for it."""
        gpus = (place.row,) * len(place.free_bytes)
        key = (candidate, place.row, len(gpus))
        if key not in self._empty:
            self._empty[key] = self._estimate(candidate, gpus)
        empty = self._empty[key]
        if empty is None:
            return None
        if isinstance(empty, str):
            return _report(candidate, refused=empty)
        now = hold(empty.workload, gpus, empty.breakdown, free_bytes=place.free_bytes)
        return _report(
            candidate,
            fits_now=now.verdict is Verdict.FITS,
            fits_empty=empty.verdict is Verdict.FITS,
            required_bytes=max(
                device.total_bytes + device.uncertainty_bytes for device in now.breakdown.per_gpu
            ),
            headroom_bytes=now.slack_bytes - now.uncertainty_bytes,
        )

    def _estimate(self, candidate: Candidate, gpus: Sequence[Gpu]) -> Estimate | str | None:
        """The estimate on empty devices, the engine's refusal, or None where there is no rule."""
        workload = Workload(
            model=candidate.model,
            quantization=candidate.quantization,
            engine=candidate.engine,
            context_tokens=candidate.context_tokens,
            sequences=candidate.sequences,
        )
        try:
            return estimate(workload, gpus, self._catalog)
        except Refused as refusal:
            return refusal.reason
        except UserError:
            return None

    def _forget(self, places: Sequence[Place], candidates: Sequence[Candidate]) -> None:
        """Drop what no longer can be asked for, so that reloads and re-partitioned GPUs do not pile up."""
        rows, wanted = {place.row for place in places}, set(candidates)
        for key in [key for key in self._empty if key[0] not in wanted or key[1] not in rows]:
            del self._empty[key]


def groups(devices: Sequence[Place]) -> Iterator[Place]:
    """Groups of equal GPUs an engine could use together: of each kind the 2, 4, 8 … emptiest.

    Tensor parallelism wants a count that divides the heads, which in practice is a power of two.
    """
    kinds: dict[str, list[Place]] = {}
    for device in devices:
        kinds.setdefault(device.row.id, []).append(device)
    for kind, members in kinds.items():
        members.sort(key=lambda device: -device.free_bytes[0])
        for size in (size for size in GROUP_SIZES if size <= len(members)):
            chosen = members[:size]
            yield Place(
                key=f"{kind}-x{size}",
                row=min((one.row for one in chosen), key=lambda row: row.memory_usable_bytes),
                free_bytes=tuple(one.free_bytes[0] for one in chosen),
                uuids=tuple(one.key for one in chosen),
            )


def _report(
    candidate: Candidate,
    *,
    fits_now: bool = False,
    fits_empty: bool = False,
    required_bytes: int | None = None,
    headroom_bytes: int | None = None,
    refused: str | None = None,
) -> FitReport:
    return FitReport.model_construct(  # our own numbers: checking 500 of them at every look would be the costliest step
        model=candidate.model.id,
        quantization=candidate.quantization.id,
        engine=candidate.engine,
        context_tokens=candidate.context_tokens,
        sequences=candidate.sequences,
        fits_now=fits_now,
        fits_empty=fits_empty,
        required_bytes=required_bytes,
        headroom_bytes=headroom_bytes,
        refused=refused,
    )
