"""Watches in a database, so that none is lost; every change of state is one statement that one process can win."""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    DateTime,
    Engine,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    and_,
    func,
    insert,
    or_,
    select,
    update,
)

from bot.watches import Watch, WatchState

METADATA: Final = MetaData()
WATCHES: Final = Table(
    "watches",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("user", String(32), nullable=False, index=True),
    Column("workspace", String(32), nullable=False, server_default=""),
    Column("question", Text, nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("expires_at", DateTime, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("fits_since", DateTime),
    Column("snoozed_until", DateTime),
    Column("round", Integer, nullable=False),
    Column("owner", String(64)),
    Column("lease_until", DateTime),
    Column("telling_since", DateTime),
    Column("told_at", DateTime),
)


class WatchStore:
    """Blocking: call it off the event loop. Times are stored in UTC without a zone, which every database can."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, watch: Watch) -> None:
        """Keep a new watch; when this returns it is on disk."""
        with self._engine.begin() as connection:
            connection.execute(insert(WATCHES).values(**_values(watch)))

    def get(self, watch_id: str) -> Watch | None:
        """The watch of this id."""
        with self._engine.connect() as connection:
            row = connection.execute(select(WATCHES).where(WATCHES.c.id == watch_id)).one_or_none()
        return _watch(row) if row else None

    def of_user(self, user: str, workspace: str = "") -> tuple[Watch, ...]:
        """A person's watches that are still waiting or being told, the oldest first."""
        live = WATCHES.c.state.in_([WatchState.WAITING, WatchState.TELLING])
        theirs = and_(WATCHES.c.user == user, WATCHES.c.workspace == workspace)
        return self._some(select(WATCHES).where(theirs, live).order_by(WATCHES.c.created_at))

    def waiting(self) -> tuple[Watch, ...]:
        """All that wait."""
        return self._some(
            select(WATCHES).where(WATCHES.c.state == WatchState.WAITING).order_by(WATCHES.c.created_at)
        )

    def abandoned(self, now: datetime) -> tuple[Watch, ...]:
        """Watches whose telling began and was not finished within its lease: their process may have died."""
        return self._some(
            select(WATCHES).where(WATCHES.c.state == WatchState.TELLING, WATCHES.c.lease_until < _naive(now))
        )

    def counts(self) -> dict[str, int]:
        """How many watches are in each state."""
        counted = select(WATCHES.c.state, func.count()).group_by(WATCHES.c.state)
        with self._engine.connect() as connection:
            return {str(state): int(count) for state, count in connection.execute(counted)}

    def remember(self, watch: Watch) -> None:
        """Store since when it fits."""
        with self._engine.begin() as connection:
            connection.execute(
                update(WATCHES)
                .where(WATCHES.c.id == watch.id, WATCHES.c.state == WatchState.WAITING)
                .values(fits_since=_naive(watch.fits_since))
            )

    def claim(self, watch: Watch, owner: str, now: datetime, lease_until: datetime) -> bool:
        """Take the right to tell; False when another process has it. Afterwards the message may leave."""
        free = or_(
            WATCHES.c.state == WatchState.WAITING,
            and_(WATCHES.c.state == WatchState.TELLING, WATCHES.c.lease_until < _naive(now)),
        )
        since = func.coalesce(WATCHES.c.telling_since, _naive(now))
        return self._won(
            update(WATCHES)
            .where(WATCHES.c.id == watch.id, WATCHES.c.round == watch.round, free)
            .values(
                state=WatchState.TELLING, owner=owner, lease_until=_naive(lease_until), telling_since=since
            )
        )

    def finish(self, watch: Watch, owner: str, state: WatchState, now: datetime) -> bool:
        """End the telling that `owner` has claimed."""
        return self._won(
            update(WATCHES)
            .where(WATCHES.c.id == watch.id, WATCHES.c.owner == owner, WATCHES.c.state == WatchState.TELLING)
            .values(state=state, told_at=_naive(now), owner=None, lease_until=None, telling_since=None)
        )

    def change(self, watch: Watch, new: Watch) -> bool:
        """Replace a watch as read by a new version of it; False when it has changed in between."""
        return self._won(
            update(WATCHES)
            .where(WATCHES.c.id == watch.id, WATCHES.c.state == watch.state, WATCHES.c.round == watch.round)
            .values(**_values(new))
        )

    def _won(self, statement: Any) -> bool:
        with self._engine.begin() as connection:
            return connection.execute(statement).rowcount == 1

    def _some(self, statement: Any) -> tuple[Watch, ...]:
        with self._engine.connect() as connection:
            return tuple(_watch(row) for row in connection.execute(statement))


def _values(watch: Watch) -> dict[str, Any]:
    values = {column.name: getattr(watch, column.name) for column in WATCHES.columns}
    return {name: _naive(value) if isinstance(value, datetime) else value for name, value in values.items()}


def _naive(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment else None


def _watch(row: Row[Any]) -> Watch:
    values: dict[str, Any] = {
        name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
        for name, value in row._mapping.items()  # noqa: SLF001  SQLAlchemy's public name for it
    }
    return Watch(**values | {"state": WatchState(values["state"])})
