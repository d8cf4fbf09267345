"""Which Slack message stands for which alert, so that it is updated in place and not told twice."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Column, DateTime, Engine, String, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from bot.watch_store import METADATA

KEPT: Final = timedelta(days=30)
ALERTS: Final = Table(
    "alerts",
    METADATA,
    Column("fingerprint", String(64), primary_key=True),
    Column("channel", String(64), nullable=False),
    Column("ts", String(32)),
    Column("status", String(16), nullable=False),
    Column("changed_at", DateTime, nullable=False),
    Column("outbreak", String(32)),
    Column("claimed_at", DateTime),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An alert's message: where it is, and what it says."""

    channel: str
    ts: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to post an alert's first message.

    Attributes:
        outbreak: Names this outbreak of the alert; its message carries it.
        abandoned: Another process had the claim and ended: its message may have left.
    """

    outbreak: str
    claimed_at: datetime
    abandoned: bool = False


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

    def claim(self, fingerprint: str, channel: str, lease: timedelta) -> Claim | None:
        """Take the right to post the first message; None when another process has it, or it is posted.

        Two Alertmanagers of a cluster may deliver at once. A claim older than `lease` was left by a process that
        has ended: it is taken over with the outbreak's own id, under which its message may be in Slack already.
        """
        now = _now()
        abandoned = self._taken_over(fingerprint, now, lease)
        if abandoned:
            return abandoned
        fresh = Claim(outbreak=uuid.uuid4().hex, claimed_at=now)
        values = {
            "channel": channel, "ts": None, "status": "posting", "changed_at": now,
            "outbreak": fresh.outbreak, "claimed_at": now,
        }  # fmt: skip
        with self._engine.begin() as connection:
            again = connection.execute(
                update(ALERTS)
                .where(ALERTS.c.fingerprint == fingerprint, ALERTS.c.status == "resolved")
                .values(**values)
            )
            if again.rowcount:
                return fresh
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(ALERTS).values(fingerprint=fingerprint, **values))
        except IntegrityError:
            return None
        return fresh

    def take_over(self, fingerprint: str, lease: timedelta) -> Claim | None:
        """An abandoned claim, which is ours now; None when there is none."""
        return self._taken_over(fingerprint, _now(), lease)

    def is_posting(self, fingerprint: str) -> bool:
        """Whether a process is about to post the alert's message, or died over it."""
        with self._engine.connect() as connection:
            found = connection.execute(
                select(ALERTS.c.fingerprint).where(
                    ALERTS.c.fingerprint == fingerprint, ALERTS.c.status == "posting"
                )
            )
            return found.one_or_none() is not None

    def _taken_over(self, fingerprint: str, now: datetime, lease: timedelta) -> Claim | None:
        mine = (ALERTS.c.fingerprint == fingerprint) & (ALERTS.c.status == "posting")
        with self._engine.begin() as connection:
            row = connection.execute(select(ALERTS).where(mine)).one_or_none()
            if row is None or row.changed_at >= now - lease:
                return None
            won = connection.execute(
                update(ALERTS).where(mine, ALERTS.c.changed_at == row.changed_at).values(changed_at=now)
            )
        if not won.rowcount or row.outbreak is None:
            return None
        return Claim(outbreak=row.outbreak, claimed_at=row.claimed_at, abandoned=True)

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
