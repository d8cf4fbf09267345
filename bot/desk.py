"""The one path of every question: text -> query -> plan, beside it a look at the fleet -> answer -> message."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, ParamSpec, TypeVar

from bot.answer import Answer, placed
from bot.defaults import with_defaults
from bot.fleet import Fleet, LiveFleet
from bot.fleet_questions import fleet_message
from bot.fleet_reader import FleetReader
from bot.messages.error import error_message
from bot.messages.help import help_message
from bot.messages.message import Message
from bot.messages.plan import Frame, plan_message
from bot.messages.status import unavailable_message
from bot.verbs import verb_of
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
    _planned: Callable[[str, str], Plan] = field(init=False)

    def __post_init__(self) -> None:
        @lru_cache(maxsize=KEPT_PLANS)
        def planned(text: str, defaults: str) -> Plan:
            query = parse_question(text, self.catalog)
            if defaults:
                query = with_defaults(query, parse_question(defaults, self.catalog))
            return plan(query, self.catalog)

        self._planned = planned

    async def reply(
        self, text: str, *, details: bool = False, private: bool = True, defaults: str = ""
    ) -> Reply:
        """The message that answers `text`; a person's mistake is an answer too.

        `defaults` is what its channel takes for granted, as canonical text.
        """
        if text.strip().casefold() in HELP_WORDS:
            return Reply(message=help_message(self.command), result="answered")
        frame = Frame(catalog=self.catalog, version=VERSION, details=details, private=private)
        about_fleet = await self._about_fleet(text, frame)
        if about_fleet:
            return Reply(message=about_fleet, result="answered")
        look = asyncio.create_task(self.look())
        try:
            the_plan = await self.off_loop(self._planned, text, defaults)
            made = await self.off_loop(self._render, the_plan, await look, frame)
        except UserError as error:
            return Reply(message=error_message(error, text, self.command), result="not_understood")
        finally:
            if not look.done():
                look.cancel()
        return Reply(message=made, result="answered")

    async def _about_fleet(self, text: str, frame: Frame) -> Message | None:
        """The answer to a question about our own GPUs; None when it is about models."""
        verb = verb_of(text)
        if verb is None:
            return None
        fleet = await self.look()
        if not isinstance(fleet, Fleet):
            may_be_a_gpu = verb.kind == "on_node" or (verb.kind == "fits_now" and verb.place)
            return None if may_be_a_gpu else unavailable_message(fleet)
        return await self.off_loop(fleet_message, verb, fleet, frame, self.command)

    async def answer(self, text: str) -> Answer:
        """The answer itself. Raises UserError."""
        the_plan = await self.off_loop(self._planned, text, "")
        return await self.off_loop(placed, the_plan, self.catalog, await self.look())

    async def read(self, text: str) -> Query:
        """The query a text is. Raises UserError."""
        return await self.off_loop(parse_question, text, self.catalog)

    async def look(self) -> LiveFleet:
        """The fleet now, the reason there is none, or None when no source is configured."""
        return await self.reader.read_or_reason() if self.reader else None

    def last_look(self) -> LiveFleet:
        """The fleet as last seen, without asking; None before the first look."""
        return self.reader.kept if self.reader else None

    def _render(self, the_plan: Plan, fleet: LiveFleet, frame: Frame) -> Message:
        return plan_message(placed(the_plan, self.catalog, fleet), frame)

    async def off_loop(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a pure function in the worker."""
        call: Callable[[], Any] = lambda: function(*args, **kwargs)  # noqa: E731
        result: R = await asyncio.get_running_loop().run_in_executor(self.worker, call)
        return result
