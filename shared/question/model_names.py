"""Every name of every model in the catalog, taken apart, for finding them in free text."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Model
from shared.question.model_tokens import ACTIVE, SIZE, VERSION, WORD, tokens_in
from shared.question.vocabulary import ENGLISH, NOISE, QUALIFIER, SOFT

_SHORTEST_CORRECTED: Final = 4
_INITIALS: Final = 2  # letters of "VL" and "XL", which name nothing by themselves; "Yi" is a family


@dataclass(frozen=True, kw_only=True)  # thousands are kept between runs: slots would double their reading
class Face:
    """One name of a model, taken apart."""

    words: frozenset[str]
    versions: frozenset[str]
    sizes: frozenset[str]
    actives: frozenset[str]


Faces = tuple[Model, tuple[Face, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelNames:
    """The names of a catalog's models.

    Attributes:
        faces: Every model with its names; `by_word` the same of the models that have a word.
        by_size: Size -> the models a name says it of, and all whose size may be said in another way.
        own: A whole id or display name -> its models; `aliases` the same of aliases and repositories.
        rows_in_family: Family -> how many models it has, for ordering choices.
        words: Every word of any name; `family` those that name a model by themselves.
        corrected_to: What a misspelled word may be corrected to, at least four letters long.
        letters: Versions with a letter ("r1", "k2"), which name a model too.
        joined: Words run together -> the words ("gptoss": gpt, oss).
        repositories: Repository in lower case -> the model and the id of its quantization, if it is a quantized one.
        owners: Whose repositories the catalog has.
        ids: Model id -> model.
    """

    faces: tuple[Faces, ...]
    faces_of: Mapping[str, tuple[Face, ...]]
    by_word: Mapping[str, tuple[Faces, ...]]
    by_size: Mapping[str, tuple[Faces, ...]]
    own: Mapping[Face, tuple[Model, ...]]
    aliases: Mapping[Face, tuple[Model, ...]]
    rows_in_family: Mapping[str, int]
    words: frozenset[str]
    family: frozenset[str]
    corrected_to: tuple[str, ...]
    letters: frozenset[str]
    joined: Mapping[str, tuple[str, ...]]
    repositories: Mapping[str, tuple[Model, str | None]]
    owners: frozenset[str]
    ids: Mapping[str, Model]

    def is_family(self, word: str) -> bool:
        """Whether a word names a family of models."""
        return word in self.family or word in ENGLISH

    def has_version(self, word: str, version: str) -> bool:
        """Whether a model of that word has that lettered version: "minimax" has "m2"."""
        return version in self.letters and any(
            word in face.words and version in face.versions for _, faces in self.faces for face in faces
        )


def model_names(catalog: Catalog) -> ModelNames:
    """The names of a catalog's models."""
    faces = tuple((model, tuple(dict.fromkeys(_faces(model)))) for model in catalog.models.values())
    words = frozenset(word for _, own in faces for face in own for word in face.words)
    versions = frozenset(version for _, own in faces for face in own for version in face.versions)
    models = tuple(catalog.models.values())
    families = frozenset(model.family.lower() for model in models)
    family = frozenset(
        word
        for word in words - QUALIFIER - SOFT - NOISE - ENGLISH
        if word.isalpha() and (len(word) > _INITIALS or word in families)
    )
    joined = _joined(catalog, words)
    return ModelNames(
        faces=faces,
        faces_of={model.id: own for model, own in faces},
        by_word=_by_word(faces),
        by_size=_by_size(faces),
        own=_whole((model, name) for model in models for name in (model.id, model.name)),
        aliases=_whole((model, name) for model in models for name in (model.repo_id, *model.aliases)),
        rows_in_family=Counter(model.family for model in models),
        words=words,
        family=family,
        corrected_to=tuple(word for word in (*sorted(family), *joined) if len(word) >= _SHORTEST_CORRECTED),
        letters=frozenset(version for version in versions if version[0].isalpha()),
        joined=joined,
        repositories=_repositories(catalog),
        owners=frozenset(model.repo_id.split("/")[0].lower() for model in models if "/" in model.repo_id),
        ids=catalog.models,
    )


def _by_word(faces: Sequence[Faces]) -> dict[str, tuple[Faces, ...]]:
    having: dict[str, list[Faces]] = {}
    for one in faces:
        for word in frozenset().union(*(face.words for face in one[1])):
            having.setdefault(word, []).append(one)
    return {word: tuple(ones) for word, ones in having.items()}


def _by_size(faces: Sequence[Faces]) -> dict[str, tuple[Faces, ...]]:
    """Models by the sizes in their names. A mixture, or a name without a size, goes by its parameters as well."""
    having: dict[str, list[Faces]] = {}
    any_size = []
    for one in faces:
        model, own = one
        if model.active_parameters < model.parameters or not all(face.sizes for face in own):
            any_size.append(one)
        for size in frozenset().union(*(face.sizes for face in own)):
            having.setdefault(size, []).append(one)
    return {
        size: tuple({model.id: (model, own) for model, own in (*ones, *any_size)}.values())
        for size, ones in having.items()
    }


def _whole(named: Iterable[tuple[Model, str]]) -> dict[Face, tuple[Model, ...]]:
    """Names taken apart -> their models; a name without its soft words too, where no model is called just that."""
    whole: dict[Face, dict[str, Model]] = {}
    loose: dict[Face, dict[str, Model]] = {}
    for model, name in named:
        face = face_of(name.rpartition("/")[2])
        whole.setdefault(face, {})[model.id] = model
        loose.setdefault(plain(face), {})[model.id] = model
    return {face: tuple(rows.values()) for face, rows in (loose | whole).items()}


def plain(face: Face) -> Face:
    """A name without the words that seldom matter ("instruct", "chat")."""
    return replace(face, words=face.words - SOFT)


def face_of(name: str) -> Face:
    """A name taken apart."""
    parts: dict[str, set[str]] = {WORD: set(), VERSION: set(), SIZE: set(), ACTIVE: set()}
    for token in tokens_in(name.lower()):
        parts[token.kind].add(token.text)
    return Face(
        words=frozenset(parts[WORD]),
        versions=frozenset(parts[VERSION]),
        sizes=frozenset(parts[SIZE]),
        actives=frozenset(parts[ACTIVE]),
    )


def _faces(model: Model) -> list[Face]:
    names = (model.name, model.id, model.repo_id, *model.aliases)
    return [face_of(name.rpartition("/")[2]) for name in names]


def _joined(catalog: Catalog, words: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """Neighbouring words of a name run together, as people write them."""
    joined: dict[str, tuple[str, ...]] = {}
    for model in catalog.models.values():
        for name in (model.name, model.id):
            run = [token for token in tokens_in(name.lower()) if token.kind == WORD]
            for first, second in pairwise(run):
                text = first.text + second.text
                if second.start - first.end <= 1 and text not in words:
                    joined[text] = (first.text, second.text)
    return joined


def _repositories(catalog: Catalog) -> dict[str, tuple[Model, str | None]]:
    repositories: dict[str, tuple[Model, str | None]] = {}
    for model in catalog.models.values():
        for repo in model.quantized_repos:
            repositories.setdefault(repo.repo_id.lower(), (model, repo.quantization))
        if model.gguf_repo_id:
            repositories.setdefault(model.gguf_repo_id.lower(), (model, None))
    for model in catalog.models.values():
        for name in (model.repo_id, *model.aliases):
            if "/" in name:
                repositories[name.lower()] = (model, None)
    return repositories
