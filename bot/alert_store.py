"""Which Slack message stands for which alert, so that it is updated in place and not told twice."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Column, DateTime, Engine, String, Table, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from bot.watch_store import METADATA

CLAIM: Final = timedelta(seconds=60)
KEPT: Final = timedelta(days=30)
ALERTS: Final = Table(
    "alerts",
    METADATA,
    Column("fingerprint", String(64), primary_key=True),
    Column("channel", String(64), nullable=False),
    Column("ts", String(32)),
    Column("status", String(16), nullable=False),
    Column("changed_at", DateTime, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An alert's message: where it is, and what it says."""

    channel: str
    ts: str
    status: str


class AlertStore:
    """Blocking: call it off the event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def told(self, fingerprint: str) -> Told | None:
        """The message that stands for the alert now; None when there is none."""
        with self._engine.connect() as connection:
            row = connection.execute(
                select(ALERTS).where(ALERTS.c.fingerprint == fingerprint, ALERTS.c.ts.is_not(None))
            ).one_or_none()
        return Told(channel=row.channel, ts=row.ts, status=row.status) if row else None

    def claim(self, fingerprint: str, channel: str) -> bool:
        """Take the right to post the first message; two Alertmanagers of a cluster may deliver at once."""
        now = _now()
        values = {"channel": channel, "ts": None, "status": "posting", "changed_at": now}
        ended = or_(
            ALERTS.c.status == "resolved",
            (ALERTS.c.status == "posting") & (ALERTS.c.changed_at < now - CLAIM),
        )
        with self._engine.begin() as connection:
            retaken = connection.execute(
                update(ALERTS).where(ALERTS.c.fingerprint == fingerprint, ended).values(**values)
            )
            if retaken.rowcount:
                return True
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(ALERTS).values(fingerprint=fingerprint, **values))
        except IntegrityError:
            return False
        return True

    def note(self, fingerprint: str, told: Told) -> None:
        """Remember the message and what it says; what ended long ago is forgotten."""
        now = _now()
        with self._engine.begin() as connection:
            connection.execute(
                update(ALERTS)
                .where(ALERTS.c.fingerprint == fingerprint)
                .values(channel=told.channel, ts=told.ts, status=told.status, changed_at=now)
            )
            connection.execute(
                delete(ALERTS).where(ALERTS.c.status == "resolved", ALERTS.c.changed_at < now - KEPT)
            )

    def give_up(self, fingerprint: str) -> None:
        """Let the next delivery try again at once."""
        with self._engine.begin() as connection:
            connection.execute(
                delete(ALERTS).where(ALERTS.c.fingerprint == fingerprint, ALERTS.c.ts.is_(None))
            )


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
