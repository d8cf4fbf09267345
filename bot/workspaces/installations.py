"""Which workspaces have installed the app, with their bot's token sealed: Bolt's installation store in our database."""

import asyncio
import json
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime
from typing import Final, ParamSpec, TypeVar

from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.installation_store.models.bot import Bot
from slack_sdk.oauth.installation_store.models.installation import Installation
from sqlalchemy import Column, DateTime, Engine, LargeBinary, String, Table, delete, insert, select, update

from bot.watch_store import METADATA
from bot.workspaces.renewal import RENEW_MINUTES_BEFORE, Renewal, ends_within
from bot.workspaces.sealing import CannotOpen, Seal

log: Final = logging.getLogger("fittingroom.bot.workspaces")

KEPT_SECONDS: Final = 30.0  # every request asks; another replica may have seen an uninstallation meanwhile
INSTALLATIONS: Final = Table(
    "slack_installations",
    METADATA,
    Column("workspace", String(32), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("changed_at", DateTime, nullable=False),
)
_FIELDS: Final = (
    "app_id", "enterprise_id", "team_id", "bot_token", "bot_id", "bot_user_id", "bot_refresh_token",
    "bot_token_expires_at", "is_enterprise_install", "installed_at",
)  # fmt: skip

P = ParamSpec("P")
R = TypeVar("R")


def workspace_key(enterprise_id: str | None, team_id: str | None, is_enterprise_install: bool | None) -> str:
    """What names an installation: the workspace, or the whole organisation where it was installed there."""
    whole = bool(is_enterprise_install) or not team_id
    return str((enterprise_id if whole else team_id) or "")


class Installations(AsyncInstallationStore):
    """One row per workspace. People's own tokens are never kept: we ask for none."""

    def __init__(self, engine: Engine, seal: Seal, worker: Executor, renewal: Renewal | None = None) -> None:
        self._engine = engine
        self._seal = seal
        self._worker = worker
        self._renewal = renewal
        self._renewing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._kept: dict[str, tuple[float, Bot | None]] = {}

    @property
    def logger(self) -> logging.Logger:
        """Where Bolt says what it did with the store."""
        return log

    async def async_save(self, installation: Installation) -> None:
        """Keep an installation."""
        await self.async_save_bot(installation.to_bot())

    async def async_save_bot(self, bot: Bot) -> None:
        """Keep the bot's token of a workspace, in the place of an older one."""
        log.info("workspace %s has installed the app", await self._save(bot))

    async def async_find_bot(
        self, *, enterprise_id: str | None, team_id: str | None, is_enterprise_install: bool | None = False
    ) -> Bot | None:
        """The bot of a workspace for Bolt, which must not renew its token: that is ours, and works once.

        None when the app is not installed there. Only a token that has ended is renewed here, before the
        acknowledgement: it would be refused.
        """
        bot = await self.fresh(workspace_key(enterprise_id, team_id, is_enterprise_install), minutes_left=0)
        if bot is None:
            return None
        shown = Bot(**bot.to_dict_for_copying())
        shown.bot_refresh_token = None
        return shown

    async def fresh(self, workspace: str, *, minutes_left: float = RENEW_MINUTES_BEFORE) -> Bot | None:
        """The bot of a workspace with a token that is good for so long, renewed where need be.

        None when the app is not installed there, or its token has ended and Slack gives no other.
        """
        bot = await self.bot_of(workspace)
        if self._renewal is None or bot is None or not ends_within(bot, minutes_left):
            return bot
        async with self._renewing[workspace]:
            bot = await self._read(workspace)  # another request, or another replica, may have been quicker
            if bot is None or not ends_within(bot, minutes_left):
                return bot
            renewed = await self._renewal.renewed(bot, workspace)
            if renewed:
                await self._save(renewed)
                return renewed
            bot = await self._read(workspace)
            return bot if bot and not ends_within(bot, 0) else None

    async def renew_all(self) -> None:
        """Renew every token that ends soon, so that no request has to wait for it."""
        for key, _ in await self._off_loop(self._all):
            await self.fresh(key)

    async def bot_of(self, workspace: str) -> Bot | None:
        """The same by the workspace's key."""
        at, bot = self._kept.get(workspace, (-KEPT_SECONDS, None))
        if time.monotonic() - at < KEPT_SECONDS:
            return bot
        return await self._read(workspace)

    async def async_delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        """Forget a workspace's token: it has been revoked."""
        key = workspace_key(enterprise_id, team_id, is_enterprise_install=False)
        await self._off_loop(self._drop, key)
        self._kept.pop(key, None)
        log.info("workspace %s has taken the app's token away", key)

    async def async_delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        """A person took back a token of theirs: we keep none."""

    async def reseal(self) -> None:
        """Seal every row with the first key, so that older keys can be taken away; says which cannot be opened."""
        for key, sealed in await self._off_loop(self._all):
            try:
                await self._off_loop(self._put, key, self._seal.again(sealed))
            except CannotOpen:
                self._say_lost(key)

    async def _read(self, workspace: str) -> Bot | None:
        """What the database says now."""
        sealed = await self._off_loop(self._get, workspace)
        bot = self._opened(workspace, sealed) if sealed else None
        if bot:
            self._kept[workspace] = (time.monotonic(), bot)
        return bot

    async def _save(self, bot: Bot) -> str:
        key = workspace_key(bot.enterprise_id, bot.team_id, bot.is_enterprise_install)
        facts = {name: getattr(bot, name) for name in _FIELDS} | {"bot_scopes": list(bot.bot_scopes)}
        await self._off_loop(self._put, key, self._seal.seal(json.dumps(facts)))
        self._kept[key] = (time.monotonic(), bot)
        return key

    def _opened(self, key: str, sealed: bytes) -> Bot | None:
        try:
            return Bot(**json.loads(self._seal.open(sealed)))
        except CannotOpen:
            self._say_lost(key)
            return None

    def _say_lost(self, key: str) -> None:
        log.error(
            "no key in FITTINGROOM_TOKEN_KEYS opens the token of workspace %s: add the old key, or install again",
            key,
        )

    def _put(self, key: str, sealed: bytes) -> None:
        values = {"sealed": sealed, "changed_at": datetime.now(UTC).replace(tzinfo=None)}
        with self._engine.begin() as connection:
            changed = connection.execute(
                update(INSTALLATIONS).where(INSTALLATIONS.c.workspace == key).values(**values)
            )
            if not changed.rowcount:
                connection.execute(insert(INSTALLATIONS).values(workspace=key, **values))

    def _get(self, key: str) -> bytes | None:
        with self._engine.connect() as connection:
            row = connection.execute(
                select(INSTALLATIONS.c.sealed).where(INSTALLATIONS.c.workspace == key)
            ).one_or_none()
        return bytes(row.sealed) if row else None

    def _all(self) -> list[tuple[str, bytes]]:
        with self._engine.connect() as connection:
            rows = connection.execute(select(INSTALLATIONS.c.workspace, INSTALLATIONS.c.sealed))
            return [(str(key), bytes(sealed)) for key, sealed in rows]

    def _drop(self, key: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(delete(INSTALLATIONS).where(INSTALLATIONS.c.workspace == key))

    async def _off_loop(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        result: R = await asyncio.get_running_loop().run_in_executor(
            self._worker, lambda: function(*args, **kwargs)
        )
        return result
