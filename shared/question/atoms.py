"""A question cut into atoms: runs of letters, numbers, and single signs, each with its place."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

# a count glued to a name ("8xh100", "2x4090") is an atom of its own; "8x22b" is a size and is not
_ATOM: Final = re.compile(
    r"(?<![\w.])\d{1,3}x(?=[^\W\d]|\d{4}(?!\d))|(?<=\d)ti(?=super)|[^\W\d_]+|\d+(?:\.\d+)*|[^\w\s]|_"
)


class Atom(NamedTuple):
    """One run of characters of a question in lower case."""

    text: str
    start: int
    end: int

    @property
    def is_sign(self) -> bool:
        """Whether this is punctuation (or something already taken)."""
        return not self.text[0].isalnum()

    @property
    def is_number(self) -> bool:
        """Whether this is a number."""
        return self.text[0].isdigit()


def atoms_of(text: str) -> list[Atom]:
    """The atoms of a text in lower case."""
    return [Atom(match[0], match.start(), match.end()) for match in _ATOM.finditer(text)]


def key_of(name: str) -> tuple[str, ...]:
    """A name as the sequence of its letters and numbers: "RTX 4070 Ti" is rtx, 4070, ti."""
    return tuple(atom.text for atom in atoms_of(name.lower()) if not atom.is_sign)


def without(parts: Iterable[str], unwanted: frozenset[str]) -> tuple[str, ...]:
    """A key less some of its parts."""
    return tuple(part for part in parts if part not in unwanted)
