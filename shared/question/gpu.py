"""The hardware in a question: which GPU, how many, or only how much memory."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from rapidfuzz import fuzz, process

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.errors import UnknownName
from shared.question.atoms import key_of, without
from shared.question.gpu_choice import rows_of
from shared.question.gpu_count import checked_total, count_anywhere, count_beside
from shared.question.gpu_mention import GpuMention, gpu_mentions, laptop_mention
from shared.question.gpu_names import BRAND, GpuNames
from shared.question.instance import find_instance
from shared.question.memory_size import CARD, HOST, PLAIN, MemorySize, memory_sizes
from shared.question.model_names import ModelNames
from shared.question.query import Ambiguity
from shared.question.remaining import Remaining, is_rejected
from shared.units import gib

_MIG: Final = re.compile(
    r"(?<![\w.])(?:mig[ -])?(?P<name>\dg\.\d{1,3}gb)(?: (?:mig|slices?|instances?|profile)\b)*"
)
_MAC: Final = re.compile(r"(?<!\w)(?:mac(?:book)?(?: ?(?:studio|mini|pro|air))?|imac|apple silicon)(?!\w)")
_BRANDED: Final = re.compile(
    r"(?<![\w.])(?:(?:nvidia|geforce|radeon|tesla|quadro|titan|instinct|rtx|gtx|rx|arc)[ -]*)+"
    r"[a-z]{0,3}[ -]?\d{2,5}[a-z]{0,3}(?!\w)(?:[ -]?(?:ti|super|xtx?|ada|laptop)\b)*"
)
_UNBRANDED: Final = re.compile(
    r"(?<![\w.])(?:on|with|using|a|an|my|our|the|one|two|dual|single|of|have|\d+x?) ?"
    r"(?P<name>(?:gb|gh|mi|[abhltvk])\d{2,4}(?!b\b)[a-z]{0,2}|[1-9]0[5-9]0(?:[ -]?(?:ti|super))*|"
    r"m\d (?:max|ultra|pro))(?![\w.-])"
)
_BARE_SIZE: Final = re.compile(r"[ -](?P<n>\d{1,3})(?![\w.,%]|[ -]?x )")
_BETWEEN: Final = re.compile(r"[ (,\-_]{0,3}(?:with |w/ ?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What a question says about the machine; None where it says nothing.

    `is_named` is True when a GPU or a GPU memory was named, even where it was left ambiguous.
    """

    gpu: Gpu | None = None
    count: int | None = None
    memory_bytes: int | None = None
    host_memory_bytes: int | None = None
    is_named: bool = False


def read_hardware(question: Remaining, names: GpuNames, models: ModelNames, catalog: Catalog) -> Hardware:
    """GPU, count and memory; what is left open is recorded as an ambiguity.

    Raises:
        UserError: A GPU we do not know, a size a GPU does not come with, or an impossible number of them.
    """
    instance = _read_instance(question, names, models.is_family)
    if instance is not None:
        return instance
    mig = question.find(_MIG)
    if mig is not None:
        question.take_match(mig)
    sizes = memory_sizes(question)
    named = gpu_mentions(question, names, models, sizes)
    kept = [one for one in named if not is_rejected(question.lower[: one.start])] or named
    mentions = [laptop_mention(question, one, names) for one in kept]
    unknown = question.find(_BRANDED) if not mentions else None
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
        hardware = _named(question, names, mentions, on_cards, profile, models.is_family)
    else:
        apple = [row for row in catalog.gpus.values() if is_mac and row.vendor == "apple"]
        hardware = _hypothetical(question, on_cards, apple, models.is_family)
    for size in sizes:
        question.take(size.start, size.end)
    return _with_host_memory(question, hardware, on_host)


def refuse_unknown_gpu(question: Remaining, catalog: Catalog) -> None:
    """Refuse what is left and can only be a GPU we do not know ("on a H300")."""
    match = question.find(_UNBRANDED)
    if match is not None:
        raise _unknown_gpu(question.given(*match.span("name")), catalog)


def _unknown_gpu(given: str, catalog: Catalog) -> UnknownName:
    names = {row.name: row.name.lower() for row in catalog.gpus.values()}
    near = process.extract(given.lower(), names, scorer=fuzz.ratio, limit=3, score_cutoff=50)
    return UnknownName("GPU", given, near=[name for _, _, name in near])


def _read_instance(question: Remaining, names: GpuNames, is_family: Callable[[str], bool]) -> Hardware | None:
    """The GPUs of the cloud instances named ("2x p4d.24xlarge")."""
    match = find_instance(question.lower, names.instances)
    if match is None:
        return None
    gpu, each = names.instances[match[0]]
    instances = count_beside(question, *match.span(), is_family) or 1
    given = question.take_match(match)
    count = checked_total(question, given, instances * each)
    question.note("gpu", given, gpu.id, "alias")
    question.note("gpu_count", given, count, "alias")
    return Hardware(gpu=gpu, count=count, is_named=True)


def _named(
    question: Remaining,
    names: GpuNames,
    mentions: Sequence[GpuMention],
    sizes: Sequence[MemorySize],
    profile: str | None,
    is_family: Callable[[str], bool],
) -> Hardware:
    """The GPUs named: one row, or the choices of one or of several mentions."""
    sizes = [*sizes, *_sizes_without_unit(question, names, mentions)]
    for mention in mentions:
        question.take(mention.start, mention.end)
    counts = [count_beside(question, *_with_sizes(question, one, sizes), is_family) for one in mentions]
    for size in sizes:
        question.take(size.start, size.end)
    said = next((count for count in counts if count is not None), None) or count_anywhere(question)
    if len({mention.key for mention in mentions}) > 1 and len({count or 1 for count in counts}) > 1:
        said = None
        question.warnings.append(
            "You named different numbers of GPUs: ask about one kind at a time to plan just those."
        )
    rows: dict[str, Gpu] = {}
    for mention in mentions:
        start, end = _with_sizes(question, mention, sizes)
        whole = names.whole.get(without(key_of(question.whole[start:end]), BRAND))
        known = (*mention.said, *mention.loose)
        found = (
            (whole,)
            if whole is not None and whole in known
            else rows_of(mention, _sizes_of(mention, mentions, sizes), said, names)
        )
        rows.update({row.id: row for row in found})
    given = " / ".join(dict.fromkeys(question.given(one.start, one.end) for one in mentions))
    count = None if said is None else checked_total(question, given, said)
    if count is not None:
        question.note("gpu_count", given, count, "exact")
    if profile is not None:
        return _slice(question, tuple(rows.values()), given, profile, count)
    if len({mention.key for mention in mentions}) > 1 and len(rows) > 1:
        question.warnings.append(
            "I plan one kind of GPU at a time, so each of those you named is planned on its own."
        )
    if len(rows) > 1:
        question.ambiguous.append(Ambiguity(field="gpu", given=given, choices=tuple(rows)))
        return Hardware(count=count, is_named=True)
    (row,) = rows.values()
    question.note("gpu", given, row.id, "exact" if given.lower() in {row.id, row.name.lower()} else "alias")
    return Hardware(gpu=row, count=count, is_named=True)


def _sizes_without_unit(
    question: Remaining, names: GpuNames, mentions: Sequence[GpuMention]
) -> Iterator[MemorySize]:
    """A number right behind a GPU that is one of its sizes: "A100 80"."""
    for mention in mentions:
        match = _BARE_SIZE.match(question.lower, mention.end)
        if match is None:
            continue
        gib_said = int(match["n"])
        if any(gib_said in names.sizes[row.id] for row in (*mention.said, *mention.loose)):
            yield MemorySize(
                start=match.start("n"), end=match.end(), gib=Decimal(gib_said), kind=PLAIN, of_all=False
            )


def _with_sizes(question: Remaining, mention: GpuMention, sizes: Sequence[MemorySize]) -> tuple[int, int]:
    """The span of a mention and of the memory sizes right beside it, where its count is to be looked for."""
    start, end = mention.start, mention.end
    for size in sizes:
        if size.start >= end and _BETWEEN.fullmatch(question.lower[end : size.start]):
            end = size.end
            if question.lower[end : end + 1] == ")":
                end += 1
        elif size.end <= start and _BETWEEN.fullmatch(question.lower[size.end : start]):
            start = size.start
    return start, end


def _sizes_of(
    mention: GpuMention, mentions: Sequence[GpuMention], sizes: Sequence[MemorySize]
) -> Sequence[MemorySize]:
    """The sizes that speak of a mention: all of them when one GPU is named, else those up to the next mention."""
    if len({one.key for one in mentions}) == 1:
        return sizes
    after = min((one.start for one in mentions if one.start > mention.start), default=1 << 30)
    return [size for size in sizes if mention.end <= size.start < after]


def _slice(question: Remaining, rows: Sequence[Gpu], given: str, profile: str, count: int | None) -> Hardware:
    """A MIG slice: the card that has such a profile, with the slice's memory."""
    for row in rows:
        for one in row.mig_profiles:
            if one.name.lower() == profile:
                question.note("gpu", f"{given} {profile}", f"{row.id} {one.name}", "exact")
                return Hardware(gpu=row, count=count, memory_bytes=one.memory_bytes, is_named=True)
    known = sorted({one.name for row in rows for one in row.mig_profiles})
    raise UnknownName("MIG profile", profile, near=known[:4])


def _hypothetical(
    question: Remaining, sizes: Sequence[MemorySize], apple: Sequence[Gpu], is_family: Callable[[str], bool]
) -> Hardware:
    """Hardware known by its memory only: "a GPU with 36 GB", "2x 24GB", "a Mac Studio with 192 GB"."""
    said = [size for size in sizes if size.kind == CARD] or list(sizes)
    if not said:
        count = count_anywhere(question)
        if count is not None:
            question.note("gpu_count", str(count), count, "exact")
        return Hardware(count=count)
    size = said[0]
    given = question.given(size.start, size.end)
    macs = [row for row in apple if row.memory_marketed_gb == size.gib]
    if macs:
        return _mac(question, given, macs)
    count = count_beside(question, size.start, size.end, is_family) or count_anywhere(question)
    if count is not None:
        count = checked_total(question, given, count)
        question.note("gpu_count", given, count, "exact")
    each = size.size_bytes // count if size.of_all and count else size.size_bytes
    others = tuple(dict.fromkeys(str(other.size_bytes) for other in said))
    if len(others) > 1:
        question.ambiguous.append(Ambiguity(field="gpu_memory_bytes", given=given, choices=others))
        return Hardware(count=count, is_named=True)
    question.note("gpu_memory_bytes", given, gib(each), "exact")
    return Hardware(count=count, memory_bytes=each, is_named=True)


def _mac(question: Remaining, given: str, macs: Sequence[Gpu]) -> Hardware:
    """A Mac known by its memory: its chip is asked for where several come with that much."""
    if len(macs) > 1:
        question.ambiguous.append(Ambiguity(field="gpu", given=given, choices=tuple(row.id for row in macs)))
        return Hardware(is_named=True)
    question.note("gpu", given, macs[0].id, "assumed")
    return Hardware(gpu=macs[0], is_named=True)


def _with_host_memory(question: Remaining, hardware: Hardware, sizes: Sequence[MemorySize]) -> Hardware:
    if not sizes:
        return hardware
    question.note("host_memory_bytes", f"{sizes[0].gib}GB", gib(sizes[0].size_bytes), "exact")
    return replace(hardware, host_memory_bytes=sizes[0].size_bytes)
