"""Words that stand where a model's name stands and are none we know: said, not guessed."""

import re
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.names import find_model
from shared.errors import UserError
from shared.question.foreign_models import unknown_model
from shared.question.remaining import TAKEN, Remaining
from shared.question.vocabulary import NOISE

_WORD: Final = r"[a-z][\w.-]{0,60}(?: [\w.]{0,12}\d[\w.-]{0,20}){0,3}"
_VERSIONED: Final = re.compile(r"[a-z]{2}[ -]v\d")  # "ds-v3"
_PLACES: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # "can X run on", "will X fit": between the verbs
        rf"\b(?:can|could|will|would|does|do|is|should)(?: (?:i|we|you|my|the|a|an|"
        rf"it))* (?P<name>{_WORD})(?: \w+)? (?:run|fit|work|go|load|be)\b",
        rf"\b(?:run|running|host|serve|serving|deploy|deploying|load|loading|fit|fitting|try|"
        rf"model)(?: (?:the|a|an|my|our|model|new|called|named))* (?P<name>{_WORD})",
        # first word of a terse question: "frobnicate on A100", "frobnicate 4090"
        rf"^\W*(?P<name>{_WORD})(?!\w)(?= ?(?:(?:on|in|with)\b|@|{TAKEN}))",
    )
)


def refuse_unknown_model(question: Remaining, catalog: Catalog) -> None:
    """Refuse a word in a model's place that no model has, with the nearest names.

    Raises:
        UnknownName: There is one.
    """
    for pattern in _PLACES:
        for match in question.find_all(pattern):
            name = match["name"].strip(" .-")
            first = re.split(r"[ .-]", name)[0]
            is_short = len(first) < 3 and not _VERSIONED.match(name)
            if is_short or any(part in NOISE for part in (first, name)):
                continue
            start = match.start("name")
            given = question.given(start, start + len(name))
            raise unknown_model(given, _near(given, catalog))


def _near(given: str, catalog: Catalog) -> tuple[str, ...]:
    try:
        return (find_model(given, catalog).name,)
    except UserError as error:
        return error.suggestions[:3]
