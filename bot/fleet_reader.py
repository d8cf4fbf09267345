"""Reads the fleet from Prometheus or the exporters within a deadline; all who ask at once share one look."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bot.fleet import STALE_AFTER_SECONDS, Fleet, FleetUnavailable, LiveFleet

DEFAULT_DEADLINE_SECONDS: Final = 2.0


@dataclass(slots=True, kw_only=True)
class FleetReader:
    """One source of looks at the fleet.

    A look is shared: questions that come while one is under way wait for the same one, and a look (or a failure)
    younger than `keep_seconds` answers without asking again, so a Prometheus that hangs costs one deadline and not
    one per question. `note` is told the outcome of every look.
    """

    look: Callable[[], Awaitable[Fleet]]
    deadline_seconds: float = DEFAULT_DEADLINE_SECONDS
    keep_seconds: float = 3.0
    note: Callable[[Fleet | FleetUnavailable], None] | None = None
    _running: asyncio.Task[None] | None = None
    _kept: Fleet | FleetUnavailable | None = None
    _kept_at: float = 0.0

    async def read(self) -> Fleet:
        """The fleet now. Raises FleetUnavailable when no look could be had before the deadline."""
        if self._kept is None or time.monotonic() - self._kept_at > self.keep_seconds:
            if self._running is None or self._running.done():
                self._running = asyncio.create_task(self._look_once())
            # shielded: one asker that goes away must not cancel the look the others wait for
            await asyncio.shield(self._running)
        if isinstance(self._kept, FleetUnavailable):
            raise FleetUnavailable(self._kept.reason)
        assert self._kept is not None  # noqa: S101  _look_once always leaves one of the two
        return self._kept

    async def read_or_reason(self) -> LiveFleet:
        """Like read, with the failure as a value: what an answer shows."""
        try:
            return await self.read()
        except FleetUnavailable as unavailable:
            return unavailable

    @property
    def kept(self) -> LiveFleet:
        """The outcome of the last look, however old; None before the first."""
        return self._kept

    async def _look_once(self) -> None:
        try:
            async with asyncio.timeout(self.deadline_seconds):
                self._kept = await self.look()
        except TimeoutError:
            self._kept = FleetUnavailable(f"no answer within {self.deadline_seconds:g} s")
        except FleetUnavailable as unavailable:
            self._kept = unavailable
        self._kept_at = time.monotonic()
        if self.note:
            self.note(self._kept)


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
        from bot.fleet_prometheus import look_at_prometheus  # noqa: PLC0415

        url = prometheus_url
        return FleetReader(
            look=lambda: look_at_prometheus(url, deadline_seconds, stale_after_seconds),
            deadline_seconds=deadline_seconds,
        )
    if exporter_urls:
        from bot.fleet_exporters import look_at_exporters  # noqa: PLC0415

        urls = tuple(exporter_urls)
        return FleetReader(
            look=lambda: look_at_exporters(urls, deadline_seconds, stale_after_seconds),
            deadline_seconds=deadline_seconds,
        )
    return None
