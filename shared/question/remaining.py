"""The question while it is being read: what no reader has taken yet, and what the readers found."""

import re
from collections.abc import Iterator
from typing import Final

from shared.question.query import Ambiguity, Reading

TAKEN: Final = "\x1f"  # stands where a reader has taken something: neither a letter, a digit nor a space
_NUMBER: Final = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*[^\W\d_]{0,4}(?!\w)")
_WHOLE: Final = re.compile(r"\d{1,6}(?![\d.,])")
_FROM: Final = re.compile(r"\bfrom (?:just |only )?$")
_REJECTED: Final = re.compile(
    r"\b(?:not|instead of|rather than|other than|except|without|"
    r"(?:(?:do|does|did|have|has|can|is|are|wo)(?:n'?t| not)|no longer|cannot|never)"
    r" (?:have|own|get|got|afford|want|use|using|need|like|run))"
    r"(?: (?:the|a|an|any|my|to use))* ?$"
)


def is_rejected(before: str) -> bool:
    """Whether what stands before a name rejects it: "not the 12B"."""
    return _REJECTED.search(before[-40:]) is not None


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

    def unread_counts(self) -> list[str]:
        """Whole numbers that no reader has taken and that say something: not the first of "from 4 to 2"."""
        return [
            digits[0]
            for match in _NUMBER.finditer(self.lower)
            if (digits := _WHOLE.match(match[0])) is not None
            and not _FROM.search(self.lower[max(0, match.start() - 20) : match.start()])
        ]

    def note(self, field: str, given: str, value: object, how: str) -> None:
        """Record how a part was read."""
        self.readings.append(Reading(field=field, given=given, value=str(value), how=how))
