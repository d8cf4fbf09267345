"""Every name a row answers to, held ready for lookup: numbers are kept apart, spelling of the rest is forgiven."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from shared.catalog.catalog import Catalog
from shared.catalog.packaging import unpacked
from shared.catalog.rows import Gpu, Model

LONGEST_NAME: Final = 200
_WORD: Final = re.compile(r"\d+(?:\.\d+)*|[^\W\d_]+\+?|\+")
_MODEL_PIECE: Final = re.compile(r"a\d+(?:\.\d+)?b(?![a-z])|(?:\d+x)?\d+(?:\.\d+)*[a-z]*|[^\W\d_]+\+?|\+")
_SIZE_WITH_UNIT: Final = re.compile(r"(\d+x\d+|\d{2,})b")
_GPU_PIECE: Final = re.compile(r"\d+ ?gb|[^\W_]+\+?")
TUNING: Final = frozenset({"instruct", "chat", "it", "hf", "base", "model"})
_VENDORS: Final = re.compile(r"\b(?:nvidia|geforce|tesla|amd|radeon|instinct|intel|apple|gpus?|cards?)\b")
_MEMORY: Final = re.compile(r"(\d) ?(?:gib|gb|g)\b")
_FORM: Final = re.compile(r"sxm|pcie|hbm|gddr|oam|mezzanine")


def words(text: str) -> tuple[str, ...]:
    """Numbers and words of a name, lower case: "Llama-3.1-8B" is llama, 3.1, 8, b."""
    return tuple(_WORD.findall(text[:LONGEST_NAME].lower()))


def key(parts: Iterable[str]) -> str:
    """Words as one comparable text: letters run together, numbers stand alone.

    "q4_k_m" and "Q4KM" are equal; "qwen3-8b" and "qwen-38b" are not.
    """
    return " ".join("".join(f" {part} " if part[0].isdecimal() else part for part in parts).split())


def without_tuning(parts: tuple[str, ...]) -> tuple[str, ...]:
    """A model's name without the words that say how it was tuned, which never change its shape."""
    return tuple(part for part in parts if part not in TUNING)


def gpu_words(text: str) -> tuple[str, ...]:
    """Words of a GPU's name without its maker, with memory sizes written one way: "A100 40G" is a, 100, 40, gb."""
    return words(_without_maker(text))


def model_pieces(text: str) -> frozenset[str]:
    """What a model's name says, sizes whole: "Qwen3-30B-A3B" is qwen, 3, 30b, a3b."""
    return frozenset(_MODEL_PIECE.findall(text[:LONGEST_NAME].lower()))


def gpu_pieces(text: str) -> frozenset[str]:
    """What a GPU's name says, model numbers whole: "A100 PCIe 40 GB" is a100, pcie, 40gb."""
    return frozenset(piece.replace(" ", "") for piece in _GPU_PIECE.findall(_without_maker(text)))


def _without_maker(text: str) -> str:
    return _MEMORY.sub(r"\1gb", _VENDORS.sub(" ", text[:LONGEST_NAME].lower()))


def without_form(parts: tuple[str, ...]) -> tuple[str, ...]:
    """A GPU's name without its form factor ("SXM4", "PCIe"), for cards that come in one form only."""
    kept: list[str] = []
    skip_number = False
    for part in parts:
        if skip_number and part.isdecimal() and int(part) < 10:
            skip_number = False
            continue
        skip_number = _FORM.match(part) is not None
        if not skip_number:
            kept.append(part)
    return tuple(kept)


@dataclass(frozen=True, kw_only=True)  # thousands are kept between runs: slots would double their reading
class Loose:
    """A name for likeness only: its letters run together, its numbers apart, and the whole."""

    letters: str
    numbers: frozenset[str]
    whole: str

    @classmethod
    def of(cls, parts: Sequence[str]) -> Self:
        """Split words into letters and numbers; beside words of their own, single letters are units."""
        texts = [part for part in parts if not part[0].isdecimal()]
        return cls(
            letters="".join([text for text in texts if len(text) > 1] or texts),
            numbers=frozenset(part for part in parts if part[0].isdecimal()),
            whole=key(parts),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NameIndex:
    """The names of one table.

    Attributes:
        own: Key of an id or display name -> ids; these beat `other`.
        other: Key of an alias or repository -> ids.
        families: Key of a GPU family -> ids of the row each memory size is known by.
        pieces: What every display name says, for names that leave something out.
        answers: The same with sizes also without their unit, which people leave off ("gpt-oss 120").
        loose: Every display name for likeness, to suggest from.
        released: Day of release as a number where known; the newest is offered first.
    """

    own: Mapping[str, tuple[str, ...]]
    other: Mapping[str, tuple[str, ...]]
    families: Mapping[str, tuple[str, ...]]
    pieces: Mapping[str, frozenset[str]]
    answers: Mapping[str, frozenset[str]]
    loose: Mapping[str, Loose]
    released: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogIndex:
    """The names of every table of one catalog."""

    models: NameIndex
    gpus: NameIndex
    quantizations: NameIndex
    engines: NameIndex


def build(catalog: Catalog) -> CatalogIndex:
    """The index of a catalog."""
    models, gpus = catalog.models.values(), catalog.gpus.values()
    return CatalogIndex(
        models=_index(
            ((row.id, row.name, _model_names(row)) for row in models),
            words,
            released={row.id: row.released.toordinal() for row in models if row.released},
        ),
        gpus=_index(
            ((row.id, row.name, _gpu_names(row)) for row in gpus),
            gpu_words,
            pieces=gpu_pieces,
            families=_families(gpus),
        ),
        quantizations=_index(((r.id, r.name, r.aliases) for r in catalog.quantizations.values()), words),
        engines=_index(((r.id, r.name, r.aliases) for r in catalog.engines.values()), words),
    )


def _index(
    rows: Iterable[tuple[str, str, Iterable[str]]],
    split: Callable[[str], tuple[str, ...]],
    *,
    pieces: Callable[[str], frozenset[str]] = model_pieces,
    families: Mapping[str, tuple[str, ...]] | None = None,
    released: Mapping[str, int] | None = None,
) -> NameIndex:
    """The names of `rows`, each (id, display name, other names), read with `split` and `pieces`."""
    own: dict[str, dict[str, None]] = {}
    other: dict[str, dict[str, None]] = {}
    said: dict[str, frozenset[str]] = {}
    loose: dict[str, Loose] = {}
    for row_id, name, aliases in rows:
        for text in (row_id, name):
            own.setdefault(key(split(text)), {})[row_id] = None
        for text in aliases:
            other.setdefault(key(split(text)), {})[row_id] = None
        said[row_id] = pieces(name)
        loose[row_id] = Loose.of(split(name))
    return NameIndex(
        own={text: tuple(ids) for text, ids in own.items()},
        other={text: tuple(ids) for text, ids in other.items()},
        families=families or {},
        pieces=said,
        answers={row_id: all_said | _unitless(all_said) for row_id, all_said in said.items()},
        loose=loose,
        released=released or {},
    )


def _unitless(pieces: frozenset[str]) -> frozenset[str]:
    """Sizes of two digits and more without their b; smaller numbers could be versions."""
    return frozenset(size[1] for piece in pieces if (size := _SIZE_WITH_UNIT.fullmatch(piece)))


def _model_names(model: Model) -> Iterator[str]:
    """Aliases and repositories, each also without its owner and without the words of tuning."""
    repositories = [model.repo_id, *(repo.repo_id for repo in model.quantized_repos)]
    if model.gguf_repo_id:
        repositories.append(model.gguf_repo_id)
    for name in (*repositories, *model.aliases):
        yield name
        short = name.rpartition("/")[2]
        if short != name:
            yield short
            yield " ".join(without_tuning(words(short)))
    yield unpacked(model.repo_id).bare  # "…-BF16" may be repackaged without saying so


def _gpu_names(gpu: Gpu) -> Iterator[str]:
    """Aliases and driver names, and each that ends in a memory size also without its unit ("A100 40")."""
    for name in (*gpu.aliases, *gpu.nvml_names):
        yield name
    for name in (gpu.name, *gpu.aliases):
        if name.endswith("GB"):
            yield name.removesuffix("GB")


def _families(gpus: Iterable[Gpu]) -> dict[str, tuple[str, ...]]:
    """Of each family, the first row of each memory size: that one answers to "A100 40GB", the others say more."""
    first: dict[tuple[str, int], str] = {}
    families: dict[str, list[str]] = {}
    for gpu in gpus:
        size = (key(gpu_words(gpu.family)), gpu.memory_marketed_gb)
        if size not in first:
            first[size] = gpu.id
            families.setdefault(size[0], []).append(gpu.id)
    return {family: tuple(ids) for family, ids in families.items()}
