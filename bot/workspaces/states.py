"""The states of installations under way: each good for one return from Slack, within ten minutes, on any replica."""

import asyncio
import hashlib
import logging
import secrets
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Final

from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from sqlalchemy import Column, DateTime, Engine, String, Table, delete, insert

from bot.watch_store import METADATA

log: Final = logging.getLogger("fittingroom.bot.workspaces")

GOOD_FOR: Final = timedelta(minutes=10)
STATES: Final = Table(
    "slack_oauth_states",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("expires_at", DateTime, nullable=False),
)


class OAuthStates(AsyncOAuthStateStore):
    """Bolt's state store in our database; what is stored is a digest."""

    def __init__(self, engine: Engine, worker: Executor) -> None:
        self._engine = engine
        self._worker = worker

    @property
    def logger(self) -> logging.Logger:
        """Where Bolt says what it did with the store."""
        return log

    async def async_issue(self, *_args: object, **_kwargs: object) -> str:
        """A new state."""
        state = secrets.token_urlsafe(32)
        await asyncio.get_running_loop().run_in_executor(self._worker, self._add, state)
        return state

    async def async_consume(self, state: str) -> bool:
        """Whether this state was issued, is fresh, and is used for the first time."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, self._take, state or "")

    def _add(self, state: str) -> None:
        now = datetime.now(UTC).replace(tzinfo=None)
        with self._engine.begin() as connection:
            connection.execute(delete(STATES).where(STATES.c.expires_at < now))
            connection.execute(insert(STATES).values(digest=_digest(state), expires_at=now + GOOD_FOR))

    def _take(self, state: str) -> bool:
        now = datetime.now(UTC).replace(tzinfo=None)
        with self._engine.begin() as connection:
            taken = connection.execute(
                delete(STATES).where(STATES.c.digest == _digest(state), STATES.c.expires_at >= now)
            )
            return taken.rowcount == 1


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
