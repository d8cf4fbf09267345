"""The question while it is being read: what no reader has taken yet, and what the readers found."""

import re
from collections.abc import Iterator
from typing import Final

from shared.question.amounts import count_of
from shared.question.query import Ambiguity, Reading

TAKEN: Final = "\x1f"  # stands where a reader has taken something: neither a letter, a digit nor a space
_NUMBER: Final = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*[^\W\d_]{0,4}(?!\w)")
_WHOLE: Final = re.compile(r"\d{1,6}(?![\d.,])")
_COUNTING_WORD: Final = re.compile(
    r"(?<![\w-])(?<!the )(?<!these )(?<!those )(?<!between )(?<!of )(?<!my )(?<!all )(?<!or )"
    r"(?:two|three|four|five|six|seven|eight|dual|triple|quad)(?![\w-])"
    r"(?! (?:models?|llms?|questions?|options?|choices|things|times|ways|different|kinds?|cases|slots?|"
    r"sockets?|cpus?|channels?))"
)
# "from 4 to 2", and a name: "gpu-node-07"
_AN_OLD_COUNT: Final = re.compile(r"\bfrom (?:just |only )?$|[a-z]-$")
_ARTICLES: Final = r"(?: (?:the|a|an|any|my|our|those|for|about|to use|\d{1,2} ?x?))* ?$"
_REJECTED: Final = re.compile(
    r"\b(?:not|instead of|rather than|other than|except|without|(?:any|every)thing but|never ?mind|forget|ignore|skip|"
    rf"nicht|keinen?|не){_ARTICLES}"
)
_LACKED: Final = re.compile(
    r"\b(?:(?:do|does|did|have|has|is|are|wo|ca|could)(?:n'?t| not)|no longer|cannot|can not|never) "
    rf"(?:have|own|afford|want|use|using|need|got){_ARTICLES}"
)
_FROM_HERE: Final = re.compile(rf"\bfrom{_ARTICLES}")
_TO_THERE: Final = re.compile(r"^[^.?!]{0,16}? to\b")
_GIVEN_AWAY: Final = re.compile(
    rf"\b(?:swap|trad|replac|exchang|sell|ditch|retir)(?:p?ing|p?ed|e|es|s)?{_ARTICLES}"
)


def is_rejected(before: str) -> bool:
    """Whether what stands before a name rejects it: "not the 12B"."""
    return _REJECTED.search(before[-40:]) is not None


def is_not_meant(before: str, after: str) -> bool:
    """Whether a name is rejected, lacked or left behind: "I don't have an A100", "upgrading from a 3060 to …".

    That is so only where another is named: "I can't use a 4090?" asks about the 4090.
    """
    near = before[-40:]
    return (
        is_rejected(before)
        or any(pattern.search(near) for pattern in (_LACKED, _GIVEN_AWAY))
        or (_FROM_HERE.search(near) is not None and _TO_THERE.search(after) is not None)
    )


class Remaining:
    """A question with the parts already read blanked out.

    Attributes:
        shown: The question as the person sees it, cleaned of markup; readings quote it.
        lower: The same characters in lower case, taken parts replaced by TAKEN; patterns search it.
    """

    __slots__ = ("ambiguous", "lower", "readings", "shown", "warnings", "whole")

    def __init__(self, shown: str) -> None:
        self.shown = shown
        # one character for one, so that places in `lower` are places in `shown`
        self.whole = "".join(low if len(low := char.lower()) == 1 else char for char in shown)
        self.lower = self.whole
        self.readings: list[Reading] = []
        self.ambiguous: list[Ambiguity] = []
        self.warnings: list[str] = []

    def find(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The first match in what is left."""
        return pattern.search(self.lower)

    def find_all(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """Every match in what is left now; taking one does not disturb the others."""
        return pattern.finditer(self.lower)

    def take(self, start: int, end: int) -> str:
        """Blank a part out and return it as the person typed it."""
        self.lower = self.lower[:start] + TAKEN * (end - start) + self.lower[end:]
        return self.given(start, end)

    def take_match(self, match: re.Match[str]) -> str:
        """Blank a whole match out and return it as typed."""
        return self.take(*match.span())

    def given(self, start: int, end: int) -> str:
        """A part as the person typed it."""
        return self.shown[start:end].strip()

    def unread_numbers(self) -> list[str]:
        """Numbers that no reader has taken, as typed."""
        return [self.given(*match.span()) for match in _NUMBER.finditer(self.lower)]

    def unread_counts(self) -> list[tuple[str, int]]:
        """Whole numbers that no reader has taken and that say something, as typed: not the first of "from 4 to 2"."""
        digits = [
            (found[0], int(found[0]))
            for match in _NUMBER.finditer(self.lower)
            if (found := _WHOLE.match(match[0])) is not None
            and not _AN_OLD_COUNT.search(self.lower[max(0, match.start() - 20) : match.start()])
        ]
        words = _COUNTING_WORD.finditer(self.lower)
        return digits + [
            (word[0], count_of(word[0])) for word in words if not is_rejected(self.lower[: word.start()])
        ]

    def note(self, field: str, given: str, value: object, how: str) -> None:
        """Record how a part was read."""
        self.readings.append(Reading(field=field, given=given, value=str(value), how=how))
