"""What a planning process does: a question and a look at the fleet become an answer, its message or its JSON.

These run in a process of their own (bot/thinker.py), where the catalog is loaded once and plans are kept.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from bot.answer import Answer, owned_of, placed
from bot.defaults import with_defaults
from bot.fleet import Fleet, LiveFleet
from bot.fleet_questions import fleet_message
from bot.messages.error import error_message
from bot.messages.help import help_message, thanks_message
from bot.messages.message import Message
from bot.messages.plan import Frame, plan_message
from bot.messages.status import unavailable_message, users_message
from bot.terminal.plan_json import plan_json
from bot.verbs import verb_of
from bot.version import VERSION
from bot.why import explained, why_question
from shared.catalog.catalog import Catalog
from shared.catalog.rows import Model
from shared.errors import UserError
from shared.hub.unlisted import with_row
from shared.planner.owned import Owned
from shared.planner.plan import Plan
from shared.planner.planner import plan
from shared.question.parse import parse_question

KEPT_PLANS: Final = 64  # a plan is a pure function of the text, and people press buttons on the same one
KEPT_CATALOGS: Final = (
    3  # with a model nobody listed; as many as the names' own index keeps beside the plain one
)
THANKS: Final = frozenset({"thanks", "thank you", "thx", "ty", "cheers", "danke", "merci"})
HELP_WORDS: Final = frozenset({"", "help", "hilfe", "?", "-h", "--help", "hi", "hello"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with all it is answered by.

    Attributes:
        defaults: What its channel takes for granted, as canonical text.
        details: Everything unfolded.
        private: One person sees the answer.
        rows: Models nobody listed that the question names, as they were looked up.
    """

    text: str
    fleet: LiveFleet = None
    defaults: str = ""
    details: bool = False
    private: bool = True
    command: str = "/fit"
    rows: tuple[Model, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A message, and how the question came out ("answered", "not_understood")."""

    message: Message
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Misunderstood:
    """A UserError as a value that can travel between processes."""

    sentence: str
    suggestions: tuple[str, ...]
    field: str
    given: str

    def error(self) -> UserError:
        """The error again."""
        made = UserError(self.sentence, suggestions=self.suggestions, field=self.field)
        made.given = self.given  # type: ignore[attr-defined]
        return made


class Mind:
    """The catalog and the plans kept with it."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._plan = lru_cache(maxsize=KEPT_PLANS)(self._planned)
        self._facts = lru_cache(maxsize=KEPT_CATALOGS)(self._with_rows)

    def reply(self, asked: Asked) -> Reply:
        """The message that answers; a person's mistake is an answer too."""
        if asked.text.strip().casefold() in HELP_WORDS:
            return Reply(message=help_message(asked.command), result="answered")
        if asked.text.strip().rstrip("!. ").casefold() in THANKS:
            return Reply(message=thanks_message(), result="answered")
        facts = self._facts(asked.rows)
        frame = Frame(catalog=facts, version=VERSION, details=asked.details, private=asked.private)
        about_fleet = self._about_fleet(asked, frame)
        if about_fleet:
            return Reply(message=about_fleet, result="answered")
        why = why_question(asked.text)
        try:
            if why:
                explanation = explained(self._plan(why, asked.defaults, asked.rows), facts, asked.command)
                return Reply(message=explanation, result="answered")
            made = placed(self._plan_of(asked, facts), facts, asked.fleet)
        except UserError as error:
            said = self._no_such_node(asked, error, facts) or error_message(error, asked.text, asked.command)
            return Reply(message=said, result="not_understood")
        return Reply(message=plan_message(made, frame), result="answered")

    def answer(self, asked: Asked) -> Answer | Misunderstood:
        """The answer itself."""
        try:
            facts = self._facts(asked.rows)
            return placed(self._plan_of(asked, facts), facts, asked.fleet)
        except UserError as error:
            return misunderstood(error)

    def json(self, asked: Asked) -> dict[str, Any] | Misunderstood:
        """What `fit ask --json` prints."""
        made = self.answer(asked)
        return made if isinstance(made, Misunderstood) else plan_json(made)

    def _plan_of(self, asked: Asked, facts: Catalog) -> Plan:
        """The plan that knows which GPUs are ours. Raises UserError."""
        return self._plan(asked.text, asked.defaults, asked.rows, owned_of(asked.fleet, facts))

    def _planned(self, text: str, defaults: str, rows: tuple[Model, ...], owned: Owned = ()) -> Plan:
        facts = self._facts(rows)
        query = parse_question(text, facts)
        if defaults:
            query = with_defaults(query, parse_question(defaults, facts))
        return plan(query, facts, owned)

    def _with_rows(self, rows: tuple[Model, ...]) -> Catalog:
        """The catalog with models nobody listed."""
        catalog = self.catalog
        for row in rows:
            catalog = with_row(catalog, row)
        return catalog

    def _no_such_node(self, asked: Asked, error: UserError, facts: Catalog) -> Message | None:
        """What "on X" and "on X MODEL" are told when X is neither a node of ours nor like anything in the catalog."""
        verb = verb_of(asked.text)
        if verb is None or not verb.place or not isinstance(asked.fleet, Fleet):
            return None
        if error.suggestions and not (verb.question and _reads(verb.question, facts)):
            return None
        return users_message(asked.fleet, verb.place, ())

    def _about_fleet(self, asked: Asked, frame: Frame) -> Message | None:
        """The answer to a question about our own GPUs; None when it is about models."""
        verb = verb_of(asked.text)
        if verb is None:
            return None
        if not isinstance(asked.fleet, Fleet):
            may_be_a_gpu = verb.kind == "on_node" or (verb.kind == "fits_now" and verb.place)
            return None if may_be_a_gpu else unavailable_message(asked.fleet)
        return fleet_message(verb, asked.fleet, frame, asked.command)


def _reads(text: str, facts: Catalog) -> bool:
    try:
        parse_question(text, facts)
    except UserError:
        return False
    return True


def misunderstood(error: UserError) -> Misunderstood:
    """A UserError as a value."""
    return Misunderstood(
        sentence=error.sentence,
        suggestions=error.suggestions,
        field=error.field,
        given=getattr(error, "given", ""),
    )
