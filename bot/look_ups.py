"""Models nobody listed that people ask about: looked up off the event loop, the last of them remembered."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Model
from shared.errors import UserError
from shared.hub.look_up import look_up
from shared.hub.refusals import HubAway
from shared.hub.settings import HubSettings
from shared.hub.unlisted import with_row
from shared.question.parse import parse_question
from shared.question.unlisted import UnlistedRepository

Tell = Callable[[str], Awaitable[None]]

_REMEMBERED: Final = 64
_AT_ONCE: Final = 4
_MOST_IN_A_QUESTION: Final = 3
_REFUSED_SECONDS: Final = (
    60.0  # a name that failed is not asked for again at once, however often people press
)


class LookUps:
    """Rows of models nobody listed.

    A row only takes part in questions that name its repository or its id, so that no stranger's model changes how
    another question is read.
    """

    def __init__(self, settings: HubSettings) -> None:
        self._settings = settings
        self._rows: OrderedDict[str, Model] = OrderedDict()
        self._refused: dict[str, tuple[float, UserError]] = {}
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def rows_for(self, text: str, catalog: Catalog, tell: Tell | None = None) -> tuple[Model, ...]:
        """The rows a question needs beyond the catalog, looked up where they are not remembered.

        Raises:
            UserError: A repository it names could not be read, with the reason.
        """
        lower = text.lower()
        rows = {row.id: row for row in self._rows.values() if row.repo_id.lower() in lower or row.id in lower}
        for row in rows.values():
            catalog = with_row(catalog, row)
        for _ in range(_MOST_IN_A_QUESTION):
            try:
                parse_question(text, catalog)
            except UnlistedRepository as unknown:
                row = await self._look_up(unknown, tell)
                catalog = with_row(catalog, row)
                rows[row.id] = row
            except UserError:
                break  # the answer says what else is wrong
            else:
                break
        return tuple(rows.values())

    async def _look_up(self, unknown: UnlistedRepository, tell: Tell | None) -> Model:
        name = unknown.repo_id
        again_at, refusal = self._refused.get(name, (0.0, unknown))
        if time.monotonic() < again_at:
            raise refusal
        if self._free.locked():
            raise UserError(
                f"{unknown.sentence} Too many models are being looked up now: ask again in a minute."
            )
        async with self._free:
            if tell is not None:
                await tell(f"Looking up {name} …")
            try:
                row = await asyncio.wait_for(
                    asyncio.to_thread(look_up, name, self._settings), self._settings.timeout_seconds + 1
                )
            except (UserError, TimeoutError) as error:
                raise self._refuse(unknown, error) from None
        self._rows[row.repo_id] = row
        while len(self._rows) > _REMEMBERED:
            self._rows.popitem(last=False)
        return row

    def _refuse(self, unknown: UnlistedRepository, error: UserError | TimeoutError) -> UserError:
        """What to tell, remembered for a minute; the nearest names we know while the hub is away."""
        refusal = error if isinstance(error, UserError) else UserError("The hub did not answer in time.")
        if isinstance(error, HubAway | TimeoutError):
            refusal = UserError(
                f"{unknown.sentence} {refusal.sentence}", suggestions=unknown.suggestions, field="model"
            )
        now = time.monotonic()
        self._refused = {name: kept for name, kept in self._refused.items() if kept[0] > now}
        self._refused[unknown.repo_id] = (now + _REFUSED_SECONDS, refusal)
        return refusal
