"""Reads the fleet from Prometheus or the exporters within a deadline; all who ask at once share one look."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from bot.fleet import STALE_AFTER_SECONDS, Fleet, FleetUnavailable, LiveFleet

DEFAULT_DEADLINE_SECONDS: Final = 2.0


@dataclass(slots=True)
class _Kept:
    """One kind of look: the one under way, and what the last one brought."""

    running: asyncio.Task[None] | None = None
    outcome: Fleet | FleetUnavailable | None = None
    at: float = 0.0

    def is_young(self, keep_seconds: float) -> bool:
        return self.outcome is not None and time.monotonic() - self.at <= keep_seconds

    @property
    def is_running(self) -> bool:
        return self.running is not None and not self.running.done()


@dataclass(slots=True, kw_only=True)
class FleetReader:
    """One source of looks at the fleet.

    A look is shared: questions that come while one is under way wait for the same one, and a look (or a failure)
    younger than `keep_seconds` answers without asking again, so a Prometheus that hangs costs one deadline and not
    one per question. `note` is told the outcome of every look.

    `look` is told whether the models on the GPUs are wanted: where memory is free can be had for half the price.
    `refresh` reads anew what looks remember of their source.
    """

    look: Callable[[bool], Awaitable[Fleet]]
    refresh: Callable[[], Awaitable[None]] | None = None
    deadline_seconds: float = DEFAULT_DEADLINE_SECONDS
    keep_seconds: float = 3.0
    note: Callable[[Fleet | FleetUnavailable], None] | None = None
    kept: LiveFleet = None  # the outcome of the last look, however old; None before the first
    _whole: _Kept = field(default_factory=_Kept)
    _free: _Kept = field(default_factory=_Kept)

    async def read(self, *, models: bool = True) -> Fleet:
        """The fleet now; without `models`, what runs on the GPUs may be left out.

        Raises FleetUnavailable when no look could be had before the deadline.
        """
        whole, keep = self._whole, self.keep_seconds
        models = models or whole.is_young(keep) or whole.is_running
        kept = whole if models else self._free
        if not kept.is_young(keep):
            if not kept.is_running:
                kept.running = asyncio.create_task(self._look_once(kept, models))
            assert kept.running is not None  # noqa: S101  made just now, or running
            # shielded: one asker that goes away must not cancel the look the others wait for
            await asyncio.shield(kept.running)
        if isinstance(kept.outcome, FleetUnavailable):
            raise FleetUnavailable(kept.outcome.reason)
        assert kept.outcome is not None  # noqa: S101  _look_once always leaves one of the two
        return kept.outcome

    async def read_or_reason(self, *, models: bool = True) -> LiveFleet:
        """Like read, with the failure as a value: what an answer shows."""
        try:
            return await self.read(models=models)
        except FleetUnavailable as unavailable:
            return unavailable

    async def keep_ready(self) -> None:
        """Refresh what looks remember; a source that is away is the next look's to tell."""
        if self.refresh:
            with suppress(FleetUnavailable):
                await self.refresh()

    async def _look_once(self, kept: _Kept, models: bool) -> None:
        try:
            async with asyncio.timeout(self.deadline_seconds):
                kept.outcome = await self.look(models)
        except TimeoutError:
            kept.outcome = FleetUnavailable(f"no answer within {self.deadline_seconds:g} s")
        except FleetUnavailable as unavailable:
            kept.outcome = unavailable
        kept.at = time.monotonic()
        self.kept = kept.outcome
        if self.note:
            self.note(kept.outcome)


def fleet_reader(
    *,
    prometheus_url: str | None = None,
    exporter_urls: Sequence[str] = (),
    deadline_seconds: float = DEFAULT_DEADLINE_SECONDS,
    stale_after_seconds: float = STALE_AFTER_SECONDS,
) -> FleetReader | None:
    """The reader for these settings (Prometheus first), or None when neither is given.

    Call `await reader.read()` inside one event loop; it holds no open connection between looks.
    """
    # imported here: the HTTP client is slow to import, and a terminal question without a fleet needs none
    if prometheus_url:
        from bot.fleet_prometheus import PrometheusFleet  # noqa: PLC0415

        source = PrometheusFleet(prometheus_url, deadline_seconds, stale_after_seconds)
        return FleetReader(look=source.look, refresh=source.refresh, deadline_seconds=deadline_seconds)
    if exporter_urls:
        from bot.fleet_exporters import look_at_exporters  # noqa: PLC0415

        urls = tuple(exporter_urls)
        return FleetReader(
            look=lambda _models: look_at_exporters(urls, deadline_seconds, stale_after_seconds),
            deadline_seconds=deadline_seconds,
        )
    return None
