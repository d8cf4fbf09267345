"""The models in a question: exact rows, choices where several fit, or the sentence with the nearest names."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.names import find_model
from shared.catalog.rows import Model
from shared.errors import UserError
from shared.question.foreign_models import unknown_model
from shared.question.model_match import closest, matching
from shared.question.model_mention import Mention, model_mentions
from shared.question.model_names import Face, ModelNames, plain
from shared.question.model_tokens import billions
from shared.question.query import Ambiguity
from shared.question.remaining import Remaining, is_rejected
from shared.question.vocabulary import NOISE

MOST_CHOICES: Final = 12
_LETTER_OR_DIGIT: Final = re.compile(r"[^\W_]")
_THOUSANDS: Final = re.compile(r"(?<![\w.])\d+k(?!\w)")
_DRAFT: Final = re.compile(r"\b(?:draft|speculative|speculat\w+ decoding|assistant model|draft model)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The models named, in order, and whether any was named at all (an ambiguous one counts)."""

    found: tuple[Model, ...] = ()
    is_named: bool = False


def read_models(
    question: Remaining, names: ModelNames, catalog: Catalog, by_repository: Sequence[Model]
) -> Models:
    """Every model named in what is left; one that several rows answer to is recorded as an ambiguity.

    Raises:
        UnknownName: A name that no row answers to.
    """
    mentions = model_mentions(question.lower, names)
    all_mentions = mentions
    if len(mentions) > 1 and _DRAFT.search(question.whole):
        question.warnings.append("I plan without a draft model, so the second model you named is left out.")
        mentions = mentions[:1]
    mentions = [one for one in mentions if not is_rejected(question.lower[: one.start])]
    found = {model.id: model for model in by_repository}
    parts = {
        part.face: part for one in mentions for part in _one_size_each(one, names)
    }  # named twice is named once
    for mention in sorted(parts.values(), key=lambda part: not part.has_name):
        rows = _rows(question, mention, names, catalog)
        given = question.given(mention.start, mention.end)
        if not mention.has_name and any(row.id in found for row in rows):
            continue  # "the 70B" of a model named elsewhere
        if len(rows) == 1:
            found[rows[0].id] = rows[0]
            question.note("model", given, rows[0].id, _how(mention, rows[0], names))
        else:
            choices = tuple(row.id for row in rows[:MOST_CHOICES])
            question.ambiguous.append(Ambiguity(field="model", given=given, choices=choices))
    for mention in all_mentions:
        question.take(mention.start, mention.end)
    return Models(found=tuple(found.values()), is_named=bool(mentions or found))


def contexts_in_names(question: Remaining, names: ModelNames) -> tuple[tuple[int, int], ...]:
    """Places of the "128k" of a model that is called so ("Phi 3 Mini 128k"), which is no context asked for."""
    return tuple(
        match.span()
        for match in question.find_all(_THOUSANDS)
        if match[0] in names.words
        for mention in model_mentions(question.lower[: match.end()], names)
        if mention.end == match.end() and match[0] in mention.face.words and closest(mention.face, names)
    )


def resolve(name: str, names: ModelNames) -> Model | None:
    """The one row a name alone means, with every word of it understood; None otherwise."""
    mentions = model_mentions(name.lower(), names)
    if len(mentions) != 1 or mentions[0].unknown or mentions[0].is_corrected:
        return None
    if _LETTER_OR_DIGIT.search(name[: mentions[0].start] + name[mentions[0].end :]):
        return None  # "Slow-1-7B": a common word is no noise within a name
    rows = closest(mentions[0].face, names)
    return rows[0] if len(rows) == 1 else None


def _one_size_each(mention: Mention, names: ModelNames) -> Iterable[Mention]:
    """The mentions of "qwen3 8b/14b", which is two models, unless one row has both numbers ("Scout 17B, 109B")."""
    sizes = sorted(mention.face.sizes, key=billions)
    if len(sizes) < 2 or closest(mention.face, names):
        return (mention,)
    return tuple(replace(mention, face=replace(mention.face, sizes=frozenset({size}))) for size in sizes)


def _rows(question: Remaining, mention: Mention, names: ModelNames, catalog: Catalog) -> Sequence[Model]:
    given = question.given(mention.start, mention.end)
    if mention.unknown is not None and mention.unknown not in names.words:
        raise unknown_model(given, _nearest(given, mention, names, catalog))
    rows = closest(mention.face, names) or closest(_without_noise(mention.face), names)
    if not rows:
        raise unknown_model(given, _nearest(given, mention, names, catalog))
    return rows


def _how(mention: Mention, row: Model, names: ModelNames) -> str:
    if mention.is_corrected:
        return "corrected"
    if mention.is_guess:
        return "assumed"
    for face in (mention.face, plain(mention.face)):
        if row in names.own.get(face, ()):
            return "exact"
        if row in names.aliases.get(face, ()):
            return "alias"
    said = (mention.face.words, mention.face.versions)
    is_all_said = any(face.words <= said[0] and face.versions <= said[1] for face in names.faces_of[row.id])
    return "alias" if is_all_said else "assumed"


def _nearest(given: str, mention: Mention, names: ModelNames, catalog: Catalog) -> tuple[str, ...]:
    """Up to three names to offer: the same name in other sizes or versions first, then what is spelled alike."""
    face = mention.face
    versionless = replace(face, versions=frozenset())
    for likely in (replace(face, sizes=frozenset(), actives=frozenset()), versionless, _bare(versionless)):
        rows = list(matching(likely, names)) if likely.words & names.words or likely.versions else []
        if rows:
            rows.sort(key=lambda row: _size_distance(face, row))
            return tuple(row.name for row in rows[:3])
    try:
        return (find_model(given, catalog).name,)
    except UserError as error:
        return error.suggestions[:3]


def _without_noise(face: Face) -> Face:
    """A name less the words of it that are common words too: the "a" of Command A in "a 70b"."""
    return replace(face, words=face.words - NOISE)


def _bare(face: Face) -> Face:
    return replace(face, sizes=frozenset(), actives=frozenset())


def _size_distance(face: Face, row: Model) -> float:
    """How far a row's size is from the one asked, in powers of e; 0 when none was asked."""
    wanted = [billions(size) for size in face.sizes if billions(size) > 0]
    return min((abs(math.log(want * 1e9 / row.parameters)) for want in wanted), default=0.0)
