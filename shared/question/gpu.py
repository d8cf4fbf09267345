"""The hardware in a question: which GPU, how many, or only how much memory."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from shared.catalog.catalog import Catalog
from shared.errors import UnknownName, UserError
from shared.question.atoms import key_of
from shared.question.gpu_count import checked_total, count_beside
from shared.question.gpu_mention import GpuMention, gpu_mentions, laptop_mention
from shared.question.gpu_names import GpuNames
from shared.question.hardware import Hardware
from shared.question.instance import find_instance, other_instances
from shared.question.memory_size import HOST, PLAIN, MemorySize, memory_sizes
from shared.question.mig_slice import read_slice
from shared.question.model_names import ModelNames
from shared.question.named_gpu import read_named_gpus
from shared.question.nameless_gpu import read_nameless_gpus
from shared.question.query import Ambiguity
from shared.question.remaining import Remaining, is_not_meant
from shared.units import GIB, gib

_MIG: Final = re.compile(
    r"(?<![\w.])(?:mig[ -])?(?P<name>\dg\.\d{1,3}gb)(?: (?:mig|slices?|instances?|profile)\b)*"
)
# the profile of a virtual GPU: "A40-48Q", "L40S-24C", "A100-4-20C"
_VIRTUAL: Final = re.compile(
    r"(?<![\w.])(?P<card>[a-z]{1,3}\d{1,4}[a-z]{0,3})(?P<profile>-(?:\d-)?(?P<n>\d{1,3})[qcab])(?!\w)"
    r"|(?P<share>vgpu=(?P<gib>\d{1,3})gib)"
)
_BESIDE: Final = re.compile(r"(?:\b(?:with|and|plus)|[+&,]) *$")
_MAC: Final = re.compile(r"(?<!\w)(?:mac(?:book)?(?: ?(?:studio|mini|pro|air))?|imac|apple silicon)(?!\w)")
_BRANDED: Final = re.compile(
    r"(?<![\w.])(?:(?:nvidia|geforce|radeon|tesla|quadro|titan|instinct|rtx|gtx|rx|arc)[ -]*)+"
    r"[a-z]{0,3}[ -]?\d{2,5}[a-z]{0,3}(?!\w)(?:[ -]?(?:ti|super|xtx?|ada|laptop)\b)*"
)
_BESIDE_IT: Final = 2  # characters between a name and its size: "3060 (12GB"
# what people run models on that is no card of any row
_NO_CARD: Final = re.compile(
    r"(?<!\w)(?:(?:google )?pixel|iphone|ipad|galaxy|snapdragon|raspberry pi|rpi|orange pi|steam deck|playstation|ps5|"
    r"xbox|jetson(?: nano)?|tpu|inferentia|trainium|gaudi|ascend|昇腾|npu|hailo|coral|rk3588|iris(?: xe| plus| pro)?|"
    r"uhd(?: graphics)?|wormhole|cerebras|groq)"
    r"(?:[ -]?(?:v?\d{1,4}[a-z]{0,2}|pro|max|ultra|plus|mini))*(?!\w)"
)
_UNBRANDED: Final = re.compile(
    r"(?<![\w.])(?:on|with|using|a|an|my|our|the|one|two|dual|single|of|have|\d+x?) ?"
    r"(?P<name>(?:gb|gh|mi|[abhltvk])\d{2,4}(?!b\b)[a-z]{0,2}|[1-9]0[5-9]0(?:[ -]?(?:ti|super))*|"
    r"m\d (?:max|ultra|pro))(?![\w.-])"
)


# "a 64gb 6090", "K80 24gb": numbers that only GPUs have
_BARE_NUMBER: Final = re.compile(
    r"(?<![\w.-])(?P<name>[2-9]0[5-9]0(?:[ -]?(?:ti|super))*|k(?:10|20|40|80)[a-z]?|m(?:40|60))(?![\w-]|\.\w)"
)


def read_hardware(question: Remaining, names: GpuNames, models: ModelNames, catalog: Catalog) -> Hardware:
    """GPU, count and memory; what is left open is recorded as an ambiguity.

    Raises:
        UserError: A GPU we do not know, a size a GPU does not come with, or an impossible number of them.
    """
    mig = question.find(_MIG)
    if mig is not None:
        question.take_match(mig)
    virtual = next((one for one in question.find_all(_VIRTUAL) if _is_of_a_gpu(one, names)), None)
    if virtual is not None:
        question.take(*virtual.span("profile" if virtual["profile"] else "share"))
    sizes = memory_sizes(question)
    mentions = _mentions(question, names, models, sizes)
    unknown = (question.find(_BRANDED) or question.find(_NO_CARD)) if not mentions else None
    if unknown is not None:
        raise _unknown_gpu(question.given(*unknown.span()), catalog)
    is_unified = bool(mentions) and all(
        row.unified_memory for one in mentions for row in (*one.said, *one.loose)
    )
    is_mac = not mentions and question.find(_MAC) is not None
    on_host = [] if is_unified or is_mac else [size for size in sizes if size.kind == HOST]
    on_cards = [size for size in sizes if size not in on_host]
    if mentions:
        profile = None if mig is None else mig["name"]
        hardware = read_named_gpus(question, names, mentions, on_cards, profile, models.is_family)
        on_host = on_host or _left_for_the_host(question, on_cards, mentions, names, hardware.count or 1)
        if virtual is not None:
            hardware = _virtual(question, hardware, virtual[0], int(virtual["n"] or virtual["gib"]) * GIB)
    elif mig is not None:
        count = count_beside(question, *mig.span(), models.is_family)
        hardware = read_slice(question, tuple(catalog.gpus.values()), "", mig["name"], count)
    else:
        apple = [row for row in catalog.gpus.values() if is_mac and row.vendor == "apple"]
        hardware = read_nameless_gpus(question, on_cards, apple, models.is_family)
    for size in sizes:
        question.take(size.start, size.end)
    return _with_host_memory(question, hardware, on_host)


def _mentions(
    question: Remaining, names: GpuNames, models: ModelNames, sizes: list[MemorySize]
) -> list[GpuMention]:
    """The GPUs named; those rejected ("not the 3060 12GB") are taken out, sizes and all."""
    named = gpu_mentions(question, names, models, sizes)
    kept = [one for one in named if not is_not_meant(question.lower[: one.start], question.lower[one.end :])]
    kept = kept or named
    for rejected in (one for one in named if one not in kept):
        own = next((size for size in sizes if 0 <= size.start - rejected.end <= _BESIDE_IT), None)
        if own is not None:
            sizes.remove(own)
        end = rejected.end if own is None else own.end
        # "swap the 2x 3060": its count goes with it
        count_beside(question, rejected.start, end, models.is_family)
        question.take(rejected.start, end)
    return [laptop_mention(question, one, names) for one in kept]


def _left_for_the_host(
    question: Remaining,
    sizes: Sequence[MemorySize],
    mentions: Sequence[GpuMention],
    names: GpuNames,
    count: int,
) -> list[MemorySize]:
    """A second size that is no card's ("a P6000 24GB, with 128gb"): the machine's own memory."""
    cards = {size for one in mentions for row in (*one.said, *one.loose) for size in names.sizes[row.id]}
    is_known = any(size.gib in cards for size in sizes)
    theirs = cards | {size * count for size in cards}
    return [
        size
        for size in sizes
        if size.kind == PLAIN
        and not size.of_all
        and size.gib not in theirs
        and (is_known or size.gib > max(cards))
        and _BESIDE.search(question.whole[: size.start])
    ]


def refuse_unknown_gpu(question: Remaining, names: GpuNames, catalog: Catalog) -> None:
    """Refuse what is left and can only be a GPU we do not know ("on a H300")."""
    left = [one for pattern in (_UNBRANDED, _BARE_NUMBER) for one in question.find_all(pattern)]
    unknown = next((one for one in left if not names.answers(key_of(one["name"]))), None)
    if unknown is not None:
        raise _unknown_gpu(question.given(*unknown.span("name")), catalog)


def _unknown_gpu(given: str, catalog: Catalog) -> UnknownName:
    names = {row.name: row.name.lower() for row in catalog.gpus.values()}
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - slow to import, and only a misspelling needs it

    near = process.extract(given.lower(), names, scorer=fuzz.ratio, limit=3, score_cutoff=50)
    return UnknownName("GPU", given, near=[name for _, _, name in near])


def read_instance(question: Remaining, names: GpuNames, is_family: Callable[[str], bool]) -> Hardware | None:
    """The GPUs of the cloud instances named ("2x p4d.24xlarge")."""
    match = find_instance(question.lower, names.instances)
    if match is None:
        return None
    gpu, each = names.instances[match["name"]]
    others = other_instances(question.lower[match.end() :], names.instances, gpu)
    if others:
        question.warnings.append(
            "You named several cloud instances: ask about one at a time to plan just it."
        )
        question.ambiguous.append(Ambiguity(field="gpu", given=match[0], choices=(gpu.id, *others)))
        return Hardware(is_named=True)
    instances = count_beside(question, *match.span(), is_family) or 1
    given = question.take_match(match)
    count = checked_total(question, instances * each)
    question.note("gpu", given, gpu.id, "alias")
    question.note("gpu_count", given, count, "alias")
    return Hardware(gpu=gpu, count=count, is_named=True)


def _is_of_a_gpu(profile: re.Match[str], names: GpuNames) -> bool:
    """Whether a profile stands behind a GPU's name: "lfm2-8b" is a model."""
    return profile["card"] is None or names.answers(key_of(profile["card"]))


def _virtual(question: Remaining, hardware: Hardware, given: str, size_bytes: int) -> Hardware:
    """A virtual GPU: the card, with the profile's share of its memory.

    Raises:
        UserError: The card is smaller than the profile.
    """
    gpu = hardware.gpu
    if gpu is not None and size_bytes > gpu.memory_marketed_gb * GIB:
        sentence = f"There is no {given.upper()}: {gpu.name} has {gpu.memory_marketed_gb} GB altogether."
        raise UserError(sentence, field="gpu")
    question.note("gpu_memory_bytes", given, gib(size_bytes), "exact")
    return replace(hardware, memory_bytes=size_bytes)


def _with_host_memory(question: Remaining, hardware: Hardware, sizes: Sequence[MemorySize]) -> Hardware:
    if not sizes:
        return hardware
    question.note("host_memory_bytes", f"{sizes[0].gib}GB", gib(sizes[0].size_bytes), "exact")
    return replace(hardware, host_memory_bytes=sizes[0].size_bytes)
