"""The GPUs of one estimate: a kind and a count, different ones, MIG slices, and what is taken of them already."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.terminal.fields import text, whole
from bot.terminal.parallel import Sizes
from shared.catalog.catalog import Catalog
from shared.catalog.names import find_gpu
from shared.catalog.rows import Gpu
from shared.errors import BadValue, UnknownName
from shared.planner.alternatives import slice_of
from shared.planner.case import MOST_GPUS
from shared.units import GIB

_COUNT: Final = re.compile(
    r"(\d{1,3})\s*[x*]\s+(?=\S)|(\d{1,3})[x*](?=[a-z]|\d{4})", re.IGNORECASE | re.ASCII
)
_SLICE: Final = re.compile(r"\b(?:mig[ -]?)?(\d{1,2}g\.\d{1,3}gb)\b", re.IGNORECASE | re.ASCII)


def gpus_of(given: Mapping[str, Any], sizes: Sizes, reference: Gpu, catalog: Catalog) -> tuple[Gpu, ...]:
    """One row per GPU, in the engine's order; `reference` stands in where none is named.

    Args:
        given: The fields `gpu_count` and `gpu`, such as "A100 80GB", "A100 80GB 3g.40gb", "2x RTX 4090, RTX 3090".
        sizes: The parallel sizes, which take so many GPUs.
        reference: The GPU of an estimate without one.
        catalog: The facts.

    Raises:
        UserError: A name nobody knows, or counts that do not agree.
    """
    named = _named(text(given, "gpu"), catalog) if "gpu" in given else (reference,)
    count = whole(given, "gpu_count", 1, MOST_GPUS)
    if len(named) == 1:
        named *= sizes.gpus if count is None else count
    elif count is not None and count != len(named):
        raise BadValue("gpu_count", count, f"{len(named)} GPUs are named")
    if _too_few_or_many(sizes, len(named)):
        raise BadValue("gpu_count", len(named), sizes.words)
    if len(named) > (sizes.data or 1) and any("-mig-" in gpu.id for gpu in named):
        # NVIDIA's MIG guide: a process sees one instance, and there is no peer-to-peer between instances
        raise BadValue(
            "gpu", given["gpu"], "a model is not spread over MIG slices; one slice works, or --data-parallel"
        )
    return named


def _too_few_or_many(sizes: Sizes, count: int) -> bool:
    """Whether sizes that were asked for do not use all of the GPUs; data parallel alone leaves tensor parallel open."""
    if sizes.gpus == 1:
        return False
    if sizes.tensor is None and (sizes.data or 1) > 1:
        return bool(count % sizes.gpus)
    return count != sizes.gpus


def free_of(given: Mapping[str, Any], gpus: Sequence[Gpu]) -> tuple[int, ...] | None:
    """Bytes free on each GPU now, where something is said to take some already ("1.5" GiB, or "2,0" one by one).

    Raises:
        BadValue: No size, one for too few GPUs, or more than a GPU has.
    """
    if "reserved" not in given:
        return None
    parts = (
        str(given["reserved"]).split(",") if not isinstance(given["reserved"], list) else given["reserved"]
    )
    try:
        sizes = [round(float(part) * GIB) for part in parts]
    except (TypeError, ValueError, OverflowError):
        raise BadValue(
            "reserved", given["reserved"], "give GiB per GPU, such as 1.5, or 2,0 for two"
        ) from None
    if len(sizes) == 1:
        sizes *= len(gpus)
    if len(sizes) != len(gpus) or min(sizes, default=0) < 0:
        raise BadValue(
            "reserved", given["reserved"], f"give one size, or one for each of the {len(gpus)} GPUs"
        )
    for gpu, size in zip(gpus, sizes, strict=True):
        if size > gpu.memory_usable_bytes:
            raise BadValue("reserved", given["reserved"], f"{gpu.name} has less")
    return tuple(gpu.memory_usable_bytes - size for gpu, size in zip(gpus, sizes, strict=True))


def _named(said: str, catalog: Catalog) -> tuple[Gpu, ...]:
    """The GPUs of a list; "2x" before a name repeats it."""
    found: list[Gpu] = []
    for part in said.split(","):
        count = _COUNT.match(part.strip())
        name = part.strip()[count.end() :] if count else part.strip()
        times = int(count[1] or count[2]) if count else 1
        if not 1 <= times <= MOST_GPUS or len(found) + times > MOST_GPUS:
            raise BadValue("gpu", said, f"at most {MOST_GPUS} GPUs")
        found += [_one(name, catalog)] * times
    return tuple(found)


def _one(name: str, catalog: Catalog) -> Gpu:
    """A card, or a MIG slice of one."""
    profile = _SLICE.search(name)
    if profile is None:
        return find_gpu(name, catalog)
    card = find_gpu(_SLICE.sub("", name).strip() or name, catalog)
    for one in card.mig_profiles:
        if one.name.lower() == profile[1].lower():
            return slice_of(card, one)
    raise UnknownName("MIG profile", profile[1], near=tuple(one.name for one in card.mig_profiles[:4]))
