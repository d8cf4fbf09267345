"""The tokens of a text that can be pieces of models' names, spelling corrected on family words only."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.question.model_names import ModelNames
from shared.question.model_tokens import WORD, Token, tokens_in
from shared.question.other_names import OTHER_MODELS
from shared.question.vocabulary import NOISE, SOFT

SIMILAR_ENOUGH: Final = 0.72
SHORTEST_CORRECTED: Final = 4
_ENDINGS: Final = ("ed", "s")  # "distilled", "llamas"
_DOUBLING: Final = 0.05  # what a doubled letter costs


@dataclass(frozen=True, slots=True)
class Piece:
    """One token of a name."""

    token: Token
    words: tuple[str, ...]  # of a word: what it says, corrected or taken apart
    is_corrected: bool = False
    is_unknown: bool = False


def pieces_in(text: str, names: ModelNames) -> list[Piece | None]:
    """Every token as a piece of a model's name, or None where it is none."""
    tokens = tokens_in(text)
    pieces: list[Piece | None] = []
    skip = False
    for index, token in enumerate(tokens):
        if skip:
            skip = False
            continue
        follows = tokens[index + 1] if index + 1 < len(tokens) else None
        if (
            token.kind == WORD
            and follows is not None
            and follows.kind == WORD
            and follows.start - token.end <= 1
        ):
            both = token.text + follows.text
            if both in names.family and not (token.text in names.family and follows.text in names.words):
                pieces.append(Piece(Token(WORD, both, token.start, follows.end), (both,)))
                skip = True
                continue
        pieces.append(_piece(token, names))
    return pieces


def _piece(token: Token, names: ModelNames) -> Piece | None:
    if token.kind != WORD:
        return Piece(token, ())
    word = token.text
    if word in names.words or word in SOFT:
        return Piece(token, (word,))
    if word in names.joined:
        return Piece(token, names.joined[word])
    if word in NOISE or not word.isascii():
        return None
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= SHORTEST_CORRECTED and stem in names.words:
            return Piece(token, (stem,))
    if word in OTHER_MODELS:
        return Piece(token, (word,), is_unknown=True)
    corrected = _corrected(word, names)
    if corrected is not None:
        return Piece(token, names.joined.get(corrected, (corrected,)), is_corrected=True)
    return Piece(token, (word,), is_unknown=True)


def _corrected(word: str, names: ModelNames) -> str | None:
    """The one family word a misspelled word is closest to."""
    if len(word) < SHORTEST_CORRECTED or not word.isalpha():
        return None
    scored = [(likeness, known) for known, likeness, _ in _alike(word, names.corrected_to)]
    singles = _singles(names.corrected_to)
    scored += [
        (likeness - _DOUBLING, singles[known]) for known, likeness, _ in _alike(_single(word), tuple(singles))
    ]
    best = max((likeness for likeness, _ in scored), default=0.0)
    closest_words = {known for likeness, known in scored if likeness == best}
    return closest_words.pop() if best >= SIMILAR_ENOUGH and len(closest_words) == 1 else None


def _alike(word: str, known: Sequence[str]) -> list[tuple[str, float, int]]:
    from rapidfuzz import process  # noqa: PLC0415 - slow to import, and only a misspelling needs it
    from rapidfuzz.distance import DamerauLevenshtein  # noqa: PLC0415

    return process.extract(
        word, known, scorer=DamerauLevenshtein.normalized_similarity, score_cutoff=SIMILAR_ENOUGH, limit=3
    )


@lru_cache(maxsize=4)
def _singles(known: tuple[str, ...]) -> dict[str, str]:
    """The words a misspelling may be of, by their spelling without doubled letters."""
    return {_single(word): word for word in known}


def _single(word: str) -> str:
    """A word with its doubled letters single, since doubling the wrong one is the commonest slip ("lamma")."""
    return re.sub(r"(.)\1+", r"\1", word)
