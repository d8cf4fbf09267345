"""Where a question names models: runs of name pieces, spelling corrected on family words only."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from shared.question.model_names import Face, ModelNames
from shared.question.model_pieces import SHORTEST_CORRECTED, Piece, pieces_in
from shared.question.model_tokens import ACTIVE, SIZE, VERSION, WORD
from shared.question.other_names import OTHER_MODELS
from shared.question.remaining import TAKEN
from shared.question.vocabulary import ENGLISH, NOISE, SOFT

_GAP: Final = re.compile(r"[ \-_/.()'+]*|:|, ")
_AGAINST: Final = re.compile(r" (?:vs\.?|versus|or|against|than) (?:the )?")
_LOOSE: Final = re.compile(r"\(? \(?|\) ")
_CONNECTOR: Final = re.compile(r"\b(?:vs|versus|or|and|against|than|compared)\b|[,;&/|+]")
_MAKER: Final = re.compile(r"(?: ?ai)?'s ")
_SIGNS: Final = re.compile(r"\W*(?:(?:at|with|on|params?|parameters?|models?|versions?|size)\W*)*")
_OF: Final = re.compile(
    r"^\W*(?:(?:in|at|as|of|from|the|a|an|its|version|variant|model|size|param\w*|with|like|is|that|which|called|one|i|mean|dense)\W*)*$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A model as named: its pieces, where they stand, and how surely they were read."""

    face: Face
    start: int
    end: int
    is_corrected: bool = False
    is_guess: bool = False  # an "8x22" without its b
    unknown: str | None = None  # a word in the name that no model has

    @property
    def has_name(self) -> bool:
        """Whether there is more than a size."""
        return bool(self.face.words - SOFT - NOISE or self.face.versions)


def model_mentions(text: str, names: ModelNames) -> list[Mention]:
    """Every model named in a text in lower case, in order."""
    runs = _runs(text, pieces_in(text, names), names)
    mentions: list[Mention] = []
    for run in runs:
        mention = _mention(text, run, names) or (
            _other_version(text, mentions[-1], run, names) if mentions else None
        )
        mentions += [mention] if mention is not None else []
    return _put_together(text, mentions)


def _other_version(text: str, before: Mention, run: Sequence[Piece], names: ModelNames) -> Mention | None:
    """The mention of a version alone behind another model of that name: "deepseek v3 vs v3.1"."""
    versions = frozenset(piece.token.text for piece in run)
    start, end = run[0].token.start, run[-1].token.end
    if any(piece.token.kind != VERSION for piece in run) or not _AGAINST.fullmatch(text[before.end : start]):
        return None
    face = replace(before.face, versions=versions)
    is_known = any(
        face.words <= own.words and versions <= own.versions for _, faces in names.faces for own in faces
    )
    return replace(before, face=face, start=start, end=end) if is_known else None


def _runs(text: str, pieces: Sequence[Piece | None], names: ModelNames) -> list[list[Piece]]:
    """Pieces that stand together; an unknown word stays only beside a piece it is written with."""
    runs: list[list[Piece]] = [[]]
    for piece in pieces:
        if piece is None:
            runs.append([])
            continue
        run = runs[-1]
        if run and not _belongs(text, run, piece, names):
            runs.append([])
        runs[-1].append(piece)
    return [run for run in runs if run]


def _belongs(text: str, run: Sequence[Piece], piece: Piece, names: ModelNames) -> bool:
    gap = text[run[-1].token.end : piece.token.start]
    if _GAP.fullmatch(gap) is None:
        return False
    if gap == " + ":
        return False
    if gap == ", " and _is_of_a_family(piece, names) and any(_is_of_a_family(one, names) for one in run):
        return False  # "not qwen, llama 3.1 8b"
    if gap in ("/", ", ") or gap.strip() == "/":
        return not (_has(run, SIZE) or piece.is_unknown or run[-1].is_unknown) and gap != "/"
    return True


def _is_of_a_family(piece: Piece, names: ModelNames) -> bool:
    return not piece.is_unknown and any(names.is_family(word) for word in piece.words)


def _has(run: Sequence[Piece], kind: str) -> bool:
    return any(piece.token.kind == kind for piece in run)


def _mention(text: str, run: list[Piece], names: ModelNames) -> Mention | None:
    """A run as a mention, or None when nothing in it names a model."""
    run = _without_loose_ends(text, run, names)
    known = [word for piece in run if not piece.is_unknown for word in piece.words]
    versions = {piece.token.text for piece in run if piece.token.kind == VERSION}
    sizes = {piece.token.text for piece in run if piece.token.kind == SIZE}
    unknown = [piece for piece in run if piece.is_unknown]
    is_named = any(word in names.family for word in known) or bool(versions & names.letters)
    if len(run) == 1 and run[0].is_corrected and len(run[0].token.text) <= SHORTEST_CORRECTED:
        is_named = False  # four letters alone are near too many words
    is_english = (
        any(word in ENGLISH for word in known) and len(run) > 1 and (len(set(known)) > 1 or versions or sizes)
    )
    is_sized = any(size[-1] != "m" or known for size in sizes)
    is_other = any(piece.token.text in OTHER_MODELS for piece in unknown)
    if not (is_named or is_english or is_sized or is_other):
        return None
    face = Face(
        words=frozenset(known),
        versions=frozenset(versions),
        sizes=frozenset(sizes),
        actives=frozenset(piece.token.text for piece in run if piece.token.kind == ACTIVE),
    )
    start, end = run[0].token.start, run[-1].token.end
    return Mention(
        face=face,
        start=start,
        end=end,
        is_corrected=any(piece.is_corrected for piece in run),
        is_guess=any(piece.token.is_guess for piece in run),
        unknown=unknown[0].token.text if unknown else None,
    )


def _without_loose_ends(text: str, run: list[Piece], names: ModelNames) -> list[Piece]:
    """A run without the words at its ends that are only beside the name: "my boss' llama 8b deployment"."""

    def is_name(piece: Piece) -> bool:
        return piece.token.kind != WORD or not piece.is_unknown or piece.token.text in OTHER_MODELS

    has_family = any(names.is_family(word) for piece in run if not piece.is_unknown for word in piece.words)
    while (
        len(run) > 1
        and not is_name(run[-1])
        and _LOOSE.fullmatch(text[run[-2].token.end : run[-1].token.start])
    ):
        run = run[:-1]
    while (
        len(run) > 1
        and has_family
        and not is_name(run[0])
        and _LOOSE.fullmatch(text[run[0].token.end : run[1].token.start])
    ):
        run = run[1:]
    return run


def _put_together(text: str, mentions: Sequence[Mention]) -> list[Mention]:
    """A size said apart joins the name beside it; after "or" it is another model of the same name."""
    joined: list[Mention] = []
    for mention in mentions:
        before = joined[-1] if joined else None
        if before is None:
            joined.append(mention)
            continue
        between = text[before.end : mention.start]
        # a comma between things already read ("8B at Q4_K_M, 32k: llama 3.1") sets nothing apart
        is_apart = _CONNECTOR.search(between) is not None and not (
            _SIGNS.fullmatch(between) and TAKEN in between
        )
        if _MAKER.fullmatch(between) and not (before.face.sizes or before.face.versions):
            joined[-1] = mention  # "Mistral's Mixtral 8x22B"
        elif not is_apart and _completes(before, mention) and _OF.match(between):
            joined[-1] = _merged(before, mention)
        elif (
            is_apart
            and mention.has_name
            and mention.face.sizes
            and not before.has_name
            and not before.unknown
        ):
            joined = _named_after(joined, mention)
        elif is_apart and before.face.words and mention.face.versions and not mention.face.words:
            sizes = before.face.sizes or mention.face.sizes  # "llama 3.1 or 3.3 70b"
            joined[-1] = replace(before, face=replace(before.face, sizes=sizes))
            joined.append(replace(mention, face=replace(mention.face, words=before.face.words)))
        elif is_apart and before.has_name and not mention.has_name and mention.unknown is None:
            joined.append(
                replace(
                    mention, face=replace(before.face, sizes=mention.face.sizes, actives=mention.face.actives)
                )
            )
        else:
            joined.append(mention)
    return joined


def _named_after(joined: Sequence[Mention], named: Mention) -> list[Mention]:
    """Sizes that wait for their name get it: "8b vs 14b vs 32b qwen3"."""
    first = len(joined)
    while first > 0 and not joined[first - 1].has_name and not joined[first - 1].unknown:
        first -= 1
    waiting = [
        replace(one, face=replace(named.face, sizes=one.face.sizes, actives=one.face.actives))
        for one in joined[first:]
    ]
    return [*joined[:first], *waiting, named]


def _completes(one: Mention, other: Mention) -> bool:
    """Whether one of two mentions has the name and the other the size."""
    if one.unknown or other.unknown:
        return False
    return (one.has_name != other.has_name) and bool(one.face.sizes) != bool(other.face.sizes)


def _merged(one: Mention, other: Mention) -> Mention:
    face = Face(
        words=one.face.words | other.face.words,
        versions=one.face.versions | other.face.versions,
        sizes=one.face.sizes | other.face.sizes,
        actives=one.face.actives | other.face.actives,
    )
    return replace(
        one,
        face=face,
        end=other.end,
        is_corrected=one.is_corrected or other.is_corrected,
        is_guess=one.is_guess or other.is_guess,
    )
