"""What a model's name says, piece by piece: family words, sizes ("70b", "8x22b"), active sizes ("a3b"), versions."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from shared.question.atoms import Atom, atoms_of

SIZE: Final = "size"
ACTIVE: Final = "active"
VERSION: Final = "version"
WORD: Final = "word"

_SIZE_UNITS: Final = frozenset("bmt")
_AMOUNT: Final = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,4})?")
_BILLIONS: Final = {"b": 1.0, "m": 1e-3, "t": 1e3}


class Token(NamedTuple):
    """One piece of a name at its place in the text; `is_guess` marks an "8x22" that lacks its b."""

    kind: str
    text: str
    start: int
    end: int
    is_guess: bool = False


def tokens_in(text: str) -> list[Token]:
    """The tokens of a text in lower case; punctuation between them is left out."""
    atoms = atoms_of(text)
    tokens: list[Token] = []
    at = 0
    while at < len(atoms):
        if atoms[at].text == "+" and tokens and tokens[-1].end == atoms[at].start:
            tokens.append(Token(WORD, "plus", atoms[at].start, atoms[at].end))
        if atoms[at].is_sign:
            # the rest of "I'm" and "it's" is no word
            is_contraction = atoms[at].text == "'" and 0 < at < len(atoms) - 1 and not atoms[at - 1].is_sign
            at += 2 if is_contraction and atoms[at + 1].text.isalpha() else 1
            continue
        glued = _glued(atoms, at)
        token, used = _token(glued)
        tokens.append(token)
        at += used
    return tokens


@lru_cache(maxsize=1024)
def billions(size: str) -> float:
    """Billions of parameters a size speaks of: "70b" is 70, "8x22b" is 176, "135m" is 0.135."""
    factors = size[:-1].split("x")
    total = _BILLIONS[size[-1]]
    for factor in factors:
        total *= float(factor)
    return total


def _glued(atoms: Sequence[Atom], at: int) -> list[Atom]:
    """The atoms from `at` on that are glued together, underscores included, eight at most."""
    run = [atoms[at]]
    for atom in atoms[at + 1 : at + 8]:
        if atom.start != run[-1].end or (atom.is_sign and atom.text != "_"):
            break
        run.append(atom)
    return run


def _token(run: Sequence[Atom]) -> tuple[Token, int]:
    """The token a run begins with, and how many atoms it takes."""
    texts = [atom.text for atom in run] + [""] * 5
    for kind, text, used, is_guess in _readings(texts):
        return Token(kind, text, run[0].start, run[used - 1].end, is_guess), used
    return Token(WORD, texts[0], run[0].start, run[0].end), 1


def _readings(texts: Sequence[str]) -> Iterator[tuple[str, str, int, bool]]:
    """Readings of a run as (kind, text, atoms used, is a guess), the longest first; none for a plain word."""
    first, second, third, fourth = texts[:4]
    if first[0].isdigit():
        if second == "x" and _AMOUNT.fullmatch(first) and _AMOUNT.fullmatch(third):
            yield SIZE, f"{first}x{third}b", 4 if fourth == "b" else 3, fourth != "b"
        if second in _SIZE_UNITS and _AMOUNT.fullmatch(first) and not third[:1].isalnum():
            yield SIZE, _plain(first) + second, 2, False
        if second == "_" and third.isdigit() and len(first) == 1 and len(third) == 1:
            yield VERSION, f"{first}.{third}", 3, False
        if second in ("k", "e") and not third[:1].isalnum():
            yield WORD, first + second, 2, False
        if len(second) == 1 and second.isalpha() and second not in "xs" and not third[:1].isalnum():
            yield VERSION, _plain(first) + second, 2, False
        yield VERSION, _plain(first), 1, False
    elif len(first) == 1 and second[:1].isdigit():
        if first in "ae" and _AMOUNT.fullmatch(second) and third in ("b", "m"):
            yield ACTIVE, f"{first}{_plain(second)}{third}", 3, False
        if first == "v" and third == "_" and fourth.isdigit():
            yield VERSION, f"{second}.{fourth}", 4, False
        yield VERSION, _plain(second) if first == "v" else first + _plain(second), 2, False


def _plain(number: str) -> str:
    """A version without an idle ".0"."""
    return number.removesuffix(".0")
