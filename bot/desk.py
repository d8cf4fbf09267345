"""The one path of every question: text -> query -> plan, beside it a look at the fleet -> answer -> message."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, ParamSpec, TypeVar

from bot.answer import Answer, placed
from bot.fleet import LiveFleet
from bot.fleet_reader import FleetReader
from bot.messages.error import error_message
from bot.messages.help import help_message
from bot.messages.message import Message
from bot.messages.plan import Frame, plan_message
from bot.version import VERSION
from shared.catalog.catalog import Catalog
from shared.errors import UserError
from shared.planner.plan import Plan
from shared.planner.planner import plan
from shared.question.parse import parse_question
from shared.question.query import Query

KEPT_PLANS: Final = 64  # a plan is a pure function of the text, and people press buttons on the same one
HELP_WORDS: Final = frozenset({"", "help", "hilfe", "?", "-h", "--help", "hi", "hello"})

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A message, and how the question came out ("answered", "not_understood")."""

    message: Message
    result: str


@dataclass(slots=True, kw_only=True)
class Desk:
    """Answers questions. Planning runs in `worker`, one thread, so that the event loop stays free to acknowledge."""

    catalog: Catalog
    reader: FleetReader | None
    worker: Executor
    command: str = "/fit"
    _planned: Callable[[str], Plan] = field(init=False)

    def __post_init__(self) -> None:
        @lru_cache(maxsize=KEPT_PLANS)
        def planned(text: str) -> Plan:
            return plan(parse_question(text, self.catalog), self.catalog)

        self._planned = planned

    async def reply(self, text: str, *, details: bool = False, private: bool = True) -> Reply:
        """The message that answers `text`; a person's mistake is an answer too."""
        if text.strip().casefold() in HELP_WORDS:
            return Reply(message=help_message(self.command), result="answered")
        look = asyncio.create_task(self.look())
        try:
            the_plan = await self.off_loop(self._planned, text)
            made = await self.off_loop(self._render, the_plan, await look, details, private)
        except UserError as error:
            return Reply(message=error_message(error, text, self.command), result="not_understood")
        finally:
            if not look.done():
                look.cancel()
        return Reply(message=made, result="answered")

    async def answer(self, text: str) -> Answer:
        """The answer itself. Raises UserError."""
        the_plan = await self.off_loop(self._planned, text)
        return await self.off_loop(placed, the_plan, self.catalog, await self.look())

    async def read(self, text: str) -> Query:
        """The query a text is. Raises UserError."""
        return await self.off_loop(parse_question, text, self.catalog)

    async def look(self) -> LiveFleet:
        """The fleet now, the reason there is none, or None when no source is configured."""
        return await self.reader.read_or_reason() if self.reader else None

    def _render(self, the_plan: Plan, fleet: LiveFleet, details: bool, private: bool) -> Message:
        made = placed(the_plan, self.catalog, fleet)
        frame = Frame(catalog=self.catalog, version=VERSION, details=details, private=private)
        return plan_message(made, frame)

    async def off_loop(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a pure function in the worker."""
        call: Callable[[], Any] = lambda: function(*args, **kwargs)  # noqa: E731
        result: R = await asyncio.get_running_loop().run_in_executor(self.worker, call)
        return result
