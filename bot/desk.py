"""The one path of every question: a look at the fleet, beside it text -> query -> plan -> answer -> message."""

from dataclasses import dataclass
from typing import Any

from bot.answer import Answer
from bot.fleet import LiveFleet
from bot.fleet_reader import FleetReader
from bot.look_ups import LookUps, Tell
from bot.messages.error import error_message
from bot.thinker import Thinker
from bot.thinking import HELP_WORDS, Asked, Misunderstood, Reply
from bot.verbs import verb_of
from shared.catalog.catalog import Catalog
from shared.catalog.rows import Model
from shared.errors import UserError
from shared.hub.unlisted import with_row
from shared.question.parse import parse_question
from shared.question.query import Query


@dataclass(slots=True, kw_only=True)
class Desk:
    """Answers questions; what takes long happens in the thinker."""

    catalog: Catalog
    reader: FleetReader | None
    thinker: Thinker
    command: str = "/fit"
    look_ups: LookUps | None = None  # None: a model nobody listed is not looked up

    async def reply(
        self,
        text: str,
        *,
        details: bool = False,
        private: bool = True,
        defaults: str = "",
        tell: Tell | None = None,
    ) -> Reply:
        """The message that answers `text`, within what its channel takes for granted (`defaults`).

        A model nobody listed is looked up first; `tell` says so to whoever waits.
        """
        try:
            rows = await self._rows(text, tell)
        except UserError as error:
            return Reply(message=error_message(error, text, self.command), result="not_understood")
        asked = Asked(
            text=text,
            fleet=None
            if text.strip().casefold() in HELP_WORDS
            else await self.look(models=_shows_models(text)),
            defaults=defaults,
            details=details,
            private=private,
            command=self.command,
            rows=rows,
        )
        reply: Reply = await self.thinker.think("reply", asked)
        return reply

    async def answer(self, text: str) -> Answer:
        """The answer itself. Raises UserError."""
        made: Answer | Misunderstood = await self.thinker.think(
            "answer", Asked(text=text, fleet=await self.look(models=False), rows=await self._rows(text))
        )
        if isinstance(made, Misunderstood):
            raise made.error()
        return made

    async def json(self, text: str) -> dict[str, Any]:
        """The answer as `fit ask --json` prints it. Raises UserError."""
        asked = Asked(text=text, fleet=await self.look(models=False), rows=await self._rows(text))
        made: dict[str, Any] | Misunderstood = await self.thinker.think("json", asked)
        if isinstance(made, Misunderstood):
            raise made.error()
        return made

    async def read(self, text: str) -> Query:
        """The query a text is; reading takes under a millisecond. Raises UserError."""
        catalog = self.catalog
        for row in await self._rows(text):
            catalog = with_row(catalog, row)
        return parse_question(text, catalog)

    async def _rows(self, text: str, tell: Tell | None = None) -> tuple[Model, ...]:
        """Rows the question needs beyond the catalog. Raises UserError."""
        if self.look_ups is None or text.strip().casefold() in HELP_WORDS:
            return ()
        return await self.look_ups.rows_for(text, self.catalog, tell)

    async def look(self, *, models: bool = True) -> LiveFleet:
        """The fleet now, the reason there is none, or None when no source is configured.

        A plan takes free memory only: without `models`, what runs on the GPUs may be left out.
        """
        return await self.reader.read_or_reason(models=models) if self.reader else None

    def last_look(self) -> LiveFleet:
        """The fleet as last seen, without asking; None before the first look."""
        return self.reader.kept if self.reader else None


def _shows_models(text: str) -> bool:
    """Whether the answer lists what runs on our GPUs; all others take free memory only."""
    verb = verb_of(text)
    return verb is not None and verb.kind in {"status", "who"}
