"""Which candidates fit which devices, now and when empty: pure arithmetic over the estimator."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.candidates import Candidate
from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.errors import Refused, UserError
from shared.estimator import Estimate, as_now, estimate
from shared.memory.breakdown import Verdict
from shared.memory.workload import Workload
from shared.node_report import FitReport

log: Final = logging.getLogger("fittingroom.exporter.fits")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A list of candidates held against one place with so much free.

    `fits` has None, and `unsupported` the number, of each candidate without a rule; `series` is what `shown` costs.
    """

    asked: Sequence[Candidate]
    row: Gpu
    free_bytes: tuple[int, ...]
    fits: tuple[FitReport | None, ...]
    shown: tuple[FitReport, ...]
    unsupported: frozenset[int]
    series: int


class Fitting:
    """Holds the candidates against places, remembering what does not change between two looks.

    Breakdowns depend on the candidate and the kind of device only. Free memory is held against them when it has
    changed, by a byte or more: where it has not, the very same reports are given again.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._empty: dict[tuple[Candidate, Gpu, int], Estimate | str | None] = {}
        self._held: dict[str, _Held] = {}
        self._asked: tuple[Sequence[Candidate], set[Gpu]] = (), set()

    def fits(self, places: Sequence[Place], candidates: Sequence[Candidate], series_limit: int) -> Fits:
        """Every candidate at every place, in the candidates' order; at the series limit the tail is dropped."""
        self._forget(places, candidates)
        held = [self._held_at(place, candidates) for place in places]
        cost = sum(one.series for one in held)
        unsupported = len(set().union(*(one.unsupported for one in held)))
        if cost <= series_limit:
            by_place = {place.key: one.shown for place, one in zip(places, held, strict=True)}
            return Fits(by_place=by_place, unsupported=unsupported, series=cost, series_dropped=0)
        kept, series = _within_limit(places, held, len(candidates), series_limit)
        return Fits(by_place=kept, unsupported=unsupported, series=series, series_dropped=cost - series)

    def _held_at(self, place: Place, candidates: Sequence[Candidate]) -> _Held:
        """The candidates at one place: those of the last look while neither the list nor what is free has changed."""
        kept = self._held.get(place.key)
        if kept and kept.asked is candidates and (kept.free_bytes, kept.row) == (place.free_bytes, place.row):
            return kept
        fits = tuple(self._fit_or_none(candidate, place) for candidate in candidates)
        made = self._held[place.key] = _Held(
            asked=candidates,
            row=place.row,
            free_bytes=place.free_bytes,
            fits=fits,
            shown=tuple(fit for fit in fits if fit is not None),
            unsupported=frozenset(number for number, fit in enumerate(fits) if fit is None),
            series=sum(_cost(fit) for fit in fits),
        )
        return made

    def _fit_or_none(self, candidate: Candidate, place: Place) -> FitReport | None:
        """The candidate at the place; a fault of the estimator's is logged and takes no GPU's numbers along."""
        try:
            return self._fit(candidate, place)
        except Exception:
            log.exception("cannot hold %s against %s", candidate.model.id, place.row.id)
            return None

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
        now = as_now(empty, self._catalog, place.free_bytes)
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
        rows = {place.row for place in places}
        if self._asked[0] is not candidates or self._asked[1] != rows:
            wanted = set(candidates)
            self._empty = {
                key: one for key, one in self._empty.items() if key[0] in wanted and key[1] in rows
            }
            self._asked = candidates, rows
        there = {place.key for place in places}
        self._held = {key: held for key, held in self._held.items() if key in there}


def _within_limit(
    places: Sequence[Place], held: Sequence[_Held], candidates: int, series_limit: int
) -> tuple[dict[str, tuple[FitReport, ...]], int]:
    """The fits that are shown at each place, the list's head at every place first; and the series they cost."""
    found: dict[str, list[FitReport]] = {place.key: [] for place in places}
    series = 0
    for number in range(candidates):
        for place, one in zip(places, held, strict=True):
            fit = one.fits[number]
            if fit is not None and series + _cost(fit) <= series_limit:
                series += _cost(fit)
                found[place.key].append(fit)
    return {key: tuple(fits) for key, fits in found.items()}, series


def _cost(fit: FitReport | None) -> int:
    """How many series a fit is."""
    if fit is None:
        return 0
    return SERIES_PER_FIT if fit.refused is None else SERIES_PER_REFUSAL


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
