"""The defaults of channels in the database, as canonical text."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Column, DateTime, Engine, String, Table, Text, delete, insert, select

from bot.watch_store import METADATA

DEFAULTS: Final = Table(
    "channel_defaults",
    METADATA,
    Column("channel", String(32), primary_key=True),
    Column("question", Text, nullable=False),
    Column("set_by", String(32), nullable=False),
    Column("changed_at", DateTime, nullable=False),
)


class DefaultsStore:
    """Blocking: call it off the event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, channel: str) -> str:
        """The channel's defaults as text; empty when it has none."""
        with self._engine.connect() as connection:
            found = connection.execute(select(DEFAULTS.c.question).where(DEFAULTS.c.channel == channel))
            return str(found.scalar_one_or_none() or "")

    def put(self, channel: str, question: str, user: str) -> None:
        """Set the channel's defaults; an empty text takes them away."""
        with self._engine.begin() as connection:
            connection.execute(delete(DEFAULTS).where(DEFAULTS.c.channel == channel))
            if question:
                now = datetime.now(UTC).replace(tzinfo=None)
                connection.execute(
                    insert(DEFAULTS).values(channel=channel, question=question, set_by=user, changed_at=now)
                )
