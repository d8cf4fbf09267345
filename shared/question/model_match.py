"""Which rows a model's name, as a person wrote it, can mean: numbers must agree, the fewest words left unsaid win."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shared.catalog.rows import Model
from shared.question.model_names import Face, Faces, ModelNames, plain
from shared.question.model_tokens import billions
from shared.question.vocabulary import SOFT

# a rounded size may stand for a count of parameters: closely when the name says another size ("gpt-oss 117b"),
# loosely when it says none ("phi-4 14b" has 14.7 billion)
_CLOSE: Final = 0.012
_LOOSE: Final = 0.07
_ACTIVE: Final = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A row a name can mean, which of the sizes said are only about its own, and what the name leaves unsaid."""

    model: Model
    unsaid_words: int
    rounded_sizes: int
    unsaid_versions: int
    soft_misses: int
    versions: frozenset[str]

    @property
    def rank(self) -> tuple[int, int, int, int]:
        """Lower is closer."""
        return (self.rounded_sizes, self.unsaid_words, self.unsaid_versions, self.soft_misses)


def closest(asked: Face, names: ModelNames) -> tuple[Model, ...]:
    """The rows a name means, likeliest first.

    A whole name or alias means its row. Any other name means all the rows that leave the fewest of their own words,
    then versions, unsaid; a size alone means every row of that size.
    """
    for index in (names.own, names.aliases):
        whole = index.get(asked) or index.get(plain(asked))
        if whole:
            return whole
    fits = [
        fit for model, faces in _candidates(asked, names) if (fit := _fit(asked, model, faces)) is not None
    ]
    if not asked.words - SOFT and not asked.versions:
        fits.sort(key=lambda fit: (*_commonness(fit.model, names), _age(fit.model)))
        return tuple(fit.model for fit in fits)
    closest_rank = min((fit.rank[:3] for fit in fits), default=None)
    best = [fit for fit in fits if fit.rank[:3] == closest_rank]
    kept = [fit.model for fit in best if not _is_outdone(fit, best)]
    return tuple(sorted(kept, key=_age))


def _is_outdone(fit: Fit, others: Sequence[Fit]) -> bool:
    """Whether another row of that very version has more of the words about training: "chat" picks no version."""
    return any(other.versions == fit.versions and other.soft_misses < fit.soft_misses for other in others)


def _candidates(asked: Face, names: ModelNames) -> Sequence[Faces]:
    """The models that have the rarest of the words and sizes asked for; all models when it may be any."""
    having = [names.by_word.get(word, ()) for word in asked.words - SOFT]
    having += [names.by_size[size] for size in asked.sizes if size in names.by_size]
    return min(having, key=len, default=names.faces)


def _commonness(model: Model, names: ModelNames) -> tuple[int, int]:
    """For ordering choices: plain names before those of derived models, families with many models before others."""
    own_name = names.faces_of[model.id][0]
    return len(own_name.words - SOFT), -names.rows_in_family[model.family]


def _age(model: Model) -> int:
    """For ordering choices: the newest first, those of unknown date last."""
    return -model.released.toordinal() if model.released is not None else 0


def matching(asked: Face, names: ModelNames) -> Iterator[Model]:
    """Every row a name does not contradict."""
    return (model for model, faces in _candidates(asked, names) if _fit(asked, model, faces) is not None)


def _fit(asked: Face, model: Model, faces: tuple[Face, ...]) -> Fit | None:
    fits = [fit for face in faces if (fit := _fit_face(asked, model, face, faces)) is not None]
    return min(fits, key=lambda fit: fit.rank, default=None)


def _fit_face(asked: Face, model: Model, face: Face, faces: tuple[Face, ...]) -> Fit | None:
    missing = asked.words - face.words
    if (missing and not missing <= SOFT) or not asked.versions <= face.versions:
        return None
    # a name that says no size ("Command R v01") has those of the model's other names
    sizes = face.sizes or {size for other in faces for size in other.sizes}
    for size in asked.sizes - sizes:
        if not _is_about(size, model, is_sized=bool(sizes)):
            return None
    for active in asked.actives - face.actives:
        if not _is_active(active, model, face):
            return None
    unsaid = face.words - asked.words - SOFT
    rounded = asked.sizes - sizes
    if unsaid and rounded and face.sizes:
        return None  # "qwen 3 31b" is no Qwen3 VL 30B: another size and another name at once
    return Fit(
        model=model,
        unsaid_words=len(unsaid),
        rounded_sizes=len(rounded),
        unsaid_versions=len(face.versions - asked.versions),
        soft_misses=len(missing),
        versions=face.versions,
    )


def _is_about(size: str, model: Model, *, is_sized: bool) -> bool:
    """Whether a size said is the rounded number of parameters; `is_sized`: the model's names say sizes."""
    if "x" in size:
        return False
    actual = model.parameters / 1e9
    if not is_sized:
        return abs(billions(size) - actual) <= _LOOSE * actual
    # a dense model's name says its size: "71b" is not Llama 70B, though 70.6 billion round to it
    is_other_count = "." in size or model.active_parameters < model.parameters
    return is_other_count and abs(billions(size) - actual) <= _CLOSE * actual


def _is_active(active: str, model: Model, face: Face) -> bool:
    actual = model.active_parameters / 1e9
    return active[0] == "a" and not face.actives and abs(billions(active[1:]) - actual) <= _ACTIVE * actual
