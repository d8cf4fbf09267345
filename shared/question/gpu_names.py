"""Every name of every GPU in the catalog, for finding them in free text."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.question.atoms import key_of, without
from shared.question.instance import Instances, cloud_instances
from shared.question.vocabulary import words

Key = tuple[str, ...]

# words that add nothing to a model number: "NVIDIA GeForce RTX 4090", "Tesla V100"
BRAND: Final = words(
    "nvidia geforce tesla amd radeon instinct intel apple rtx gtx rx arc gpu gpus graphics card cards mac macbook "
    "nvidias generation edition accelerator series desktop"
)
_FORM: Final = re.compile(r"^(?:sxm|pcie|hbm|gddr|oam|nvl|mezz|e)$")
_MEMORY: Final = re.compile(r"(?<![\w.])(\d{1,4}) ?gb?\b", re.IGNORECASE)
_SHORTEST_NAME: Final = 4  # of a name that is one word: "Orin"
_PLAIN_NUMBER_SEGMENTS: Final = frozenset({"consumer", "laptop"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuNames:
    """Keys (names without memory sizes) and the rows that answer to them.

    Attributes:
        said: Key -> rows whose family, name or alias is just that.
        loose: Key -> rows that answer to it once their memory size or form factor is left out.
        whole: Key of an id or display name, memory size and all -> its row.
        own: Row id -> the keys of its id and display name.
        sizes: Row id -> the sizes in GB a person may call it by ("B200 192GB").
        longest: Parts of the longest key.
        instances: Cloud instance -> (row, how many of them it has).
    """

    said: Mapping[Key, tuple[Gpu, ...]]
    loose: Mapping[Key, tuple[Gpu, ...]]
    whole: Mapping[Key, Gpu]
    own: Mapping[str, frozenset[Key]]
    sizes: Mapping[str, frozenset[int]]
    longest: int
    instances: Instances

    def answers(self, key: Key) -> bool:
        """Whether any row answers to this key."""
        return key in self.said or key in self.loose


def gpu_names(catalog: Catalog) -> GpuNames:
    """The names of a catalog's GPUs."""
    said: dict[Key, list[Gpu]] = {}
    loose: dict[Key, list[Gpu]] = {}
    sizes: dict[str, frozenset[int]] = {}
    whole = {
        without(key_of(name), BRAND): gpu for gpu in catalog.gpus.values() for name in (gpu.name, gpu.id)
    }
    own_keys: dict[str, frozenset[Key]] = {}
    for gpu in catalog.gpus.values():
        own = (gpu.id, gpu.name, gpu.family, *gpu.aliases)
        names = (*own, *gpu.nvml_names)
        sizes[gpu.id] = frozenset(
            {gpu.memory_marketed_gb, *(int(size) for name in names for size in _sizes_in(name))}
        )
        own_keys[gpu.id] = frozenset(key for name in (gpu.id, gpu.name) for key in _keys(name, gpu))
        for name in names:
            # a driver calls a 94 GB part "NVIDIA H100" too: what people say goes first
            is_said = name in own and not _sizes_in(name)
            _add(said if is_said else loose, _keys(name, gpu, with_maker=is_said), gpu)
            _add(loose, _keys_without_form(name, gpu), gpu)
    return GpuNames(
        said={key: tuple(rows) for key, rows in said.items()},
        loose={key: tuple(rows) for key, rows in loose.items()},
        whole=whole,
        own=own_keys,
        sizes=sizes,
        longest=max((len(key) for key in (*said, *loose)), default=0),
        instances=cloud_instances(catalog),
    )


def _add(index: dict[Key, list[Gpu]], keys: Iterator[Key], gpu: Gpu) -> None:
    for key in keys:
        rows = index.setdefault(key, [])
        if gpu not in rows:
            rows.append(gpu)


def _sizes_in(name: str) -> list[str]:
    return _MEMORY.findall(name.replace("-", " "))


def _keys(name: str, gpu: Gpu, *, with_maker: bool = True) -> Iterator[Key]:
    """A name without its memory size, with and without the maker's words."""
    key = key_of(_MEMORY.sub(" ", name.replace("-", " ")))
    bare = without(key, BRAND)
    if with_maker or not _is_a_name(bare, gpu):
        yield from (one for one in (key,) if _is_a_name(one, gpu))
    if _is_a_name(bare, gpu):
        yield bare


def _keys_without_form(name: str, gpu: Gpu) -> Iterator[Key]:
    """The same without form factor and memory type ("SXM4", "HBM3e")."""
    key = key_of(_MEMORY.sub(" ", name.replace("-", " ")))
    kept: list[str] = []
    after_form = False
    for part in key:
        is_form = _FORM.match(part) is not None or (after_form and part.isdigit() and len(part) == 1)
        if not is_form:
            kept.append(part)
        after_form = is_form
    if len(kept) < len(key):
        for one in (tuple(kept), without(kept, BRAND)):
            if _is_a_name(one, gpu):
                yield one


def _is_a_name(key: Key, gpu: Gpu) -> bool:
    """A key must have a letter beside its number, but for the numbers people know as cards ("4090")."""
    if not key or all(part in BRAND for part in key):
        return False
    if all(part[0].isdigit() for part in key):
        return len(key) == 1 and len(key[0]) == 4 and gpu.segment in _PLAIN_NUMBER_SEGMENTS
    return any(part[0].isdigit() for part in key) or len(key) > 1 or len(key[0]) >= _SHORTEST_NAME
