"""GPUs a question names: rows, count, sizes and MIG slice."""

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final

from shared.catalog.rows import Gpu
from shared.question.atoms import key_of, without
from shared.question.gpu_choice import rows_of
from shared.question.gpu_count import (
    checked_total,
    count_anywhere,
    count_beside,
    count_of_nodes,
    counts_instead,
)
from shared.question.gpu_mention import GpuMention
from shared.question.gpu_names import BRAND, GpuNames
from shared.question.hardware import Hardware
from shared.question.memory_size import PLAIN, MemorySize, are_a_choice
from shared.question.mig_slice import read_slice
from shared.question.query import Ambiguity
from shared.question.remaining import Remaining
from shared.question.together import are_together, is_a_choice

_BARE_SIZE: Final = re.compile(r"[ -](?P<n>\d{1,3})(?![\w%]|[.,]\d|[ -]?x )")
_ONE_MORE: Final = re.compile(r"\b(?:another|a second|second|2nd|one more)(?: [a-z]+){0,2} $")
_BETWEEN: Final = re.compile(r"[ (,\-_]{0,3}(?:with |w/ ?)?")
_ONE_AT_A_TIME: Final = "I plan one kind of GPU at a time, so each of those you named is planned on its own."


def read_named_gpus(
    question: Remaining,
    names: GpuNames,
    mentions: Sequence[GpuMention],
    sizes: Sequence[MemorySize],
    profile: str | None,
    is_family: Callable[[str], bool],
) -> Hardware:
    """The GPUs named: one row, or the choices of one or of several mentions.

    Args:
        question: What is left to read.
        names: The catalog's GPUs.
        mentions: Where GPUs are named; at least one.
        sizes: The memory sizes said of GPUs.
        profile: The MIG profile named, such as "3g.20gb".
        is_family: Whether a word names a family of models, whose version a number behind it is.

    Raises:
        UserError: A size a GPU does not come with, an impossible number of GPUs, or an unknown MIG profile.
    """
    sizes = [*sizes, *_sizes_without_unit(question, names, mentions)]
    counts = _counts(question, mentions, sizes, is_family)
    if profile is None and are_together(question.whole, mentions):
        together = _one_machine(question, names, mentions, sizes, counts)
        if together is not None:
            return together
    said = _count(question, mentions, counts)
    numbers = _numbers_of_rows(question, names, mentions, sizes, [said or count for count in counts])
    rows = tuple(numbers)
    given = " / ".join(dict.fromkeys(question.given(one.start, one.end) for one in mentions))
    count = checked_total(question, said) if said is not None else _of_nodes(question, rows)
    if count is not None:
        question.note("gpu_count", given, count, "exact")
    if profile is not None:
        return read_slice(question, rows, given, profile, count)
    if len(rows) > 1 and _are_several(mentions):
        question.warnings.append(_ONE_AT_A_TIME)
    differing = tuple(numbers.values()) if _differ(mentions, counts) else ()
    return _one_or_a_choice(question, rows, given, count, differing)


def _numbers_of_rows(
    question: Remaining,
    names: GpuNames,
    mentions: Sequence[GpuMention],
    sizes: Sequence[MemorySize],
    counts: Sequence[int | None],
) -> dict[Gpu, int]:
    """Every row a mention may mean, with how many of it are said; one where nothing is."""
    return {
        row: count or 1
        for mention, count in zip(mentions, counts, strict=True)
        for row in _rows(question, names, mention, mentions, sizes, count)
    }


def _one_or_a_choice(
    question: Remaining, rows: Sequence[Gpu], given: str, count: int | None, counts: tuple[int, ...]
) -> Hardware:
    """The one row that was meant, or the rows to ask about, with the number of each where they differ."""
    if len(rows) > 1:
        choices = tuple(row.id for row in rows)
        question.ambiguous.append(Ambiguity(field="gpu", given=given, choices=choices, counts=counts))
        return Hardware(count=count, is_named=True)
    (row,) = rows
    question.note("gpu", given, row.id, "exact" if given.lower() in {row.id, row.name.lower()} else "alias")
    return Hardware(gpu=row, count=count, is_named=True)


def _of_nodes(question: Remaining, rows: Sequence[Gpu]) -> int | None:
    """The GPUs of "2 H100 nodes": those linked to each other come on boards of eight."""
    in_racks = all(row.segment == "datacenter" for row in rows)
    linked = in_racks and all(row.nvlink_bytes_per_second or row.vendor == "amd" for row in rows)
    return count_of_nodes(question, are_boards=linked)


def _differ(mentions: Sequence[GpuMention], counts: Sequence[int | None]) -> bool:
    """Whether several kinds are named in different numbers: "an A6000 or 2x 4090"."""
    return _are_several(mentions) and len({count or 1 for count in counts}) > 1


def _are_several(mentions: Sequence[GpuMention]) -> bool:
    return len({mention.key for mention in mentions}) > 1


def _one_machine(
    question: Remaining,
    names: GpuNames,
    mentions: Sequence[GpuMention],
    sizes: Sequence[MemorySize],
    counts: Sequence[int | None],
) -> Hardware | None:
    """GPUs of one machine; None where one of them may be several rows, which is asked about first."""
    gpus: list[Gpu] = []
    for mention, count in zip(mentions, counts, strict=True):
        rows = _rows(question, names, mention, mentions, sizes, count)
        if len(rows) != 1:
            return None
        gpus += [rows[0]] * (count or 1)
    first = counts[0] or 1
    if count_anywhere(question) not in (None, len(gpus)):
        return None
    given = question.given(mentions[0].start, mentions[-1].end)
    question.note("gpu", given, " + ".join(gpu.name for gpu in gpus), "exact")
    return Hardware(gpu=gpus[0], count=first, beside=tuple(gpus[first:]), is_named=True)


def _counts(
    question: Remaining,
    mentions: Sequence[GpuMention],
    sizes: Sequence[MemorySize],
    is_family: Callable[[str], bool],
) -> list[int | None]:
    """How many are said beside each mention, with mentions and sizes taken out."""
    for mention in mentions:
        question.take(mention.start, mention.end)
    counts = [count_beside(question, *_with_sizes(question, one, sizes), is_family) for one in mentions]
    for size in sizes:
        question.take(size.start, size.end)
    return counts


def _count(question: Remaining, mentions: Sequence[GpuMention], counts: Sequence[int | None]) -> int | None:
    """How many GPUs are said; None where several kinds differ in it."""
    if _differ(mentions, counts):
        return None
    others = [number for one in mentions for number in counts_instead(question, one.start)]
    said = others + [count for count in counts if count is not None]
    added = [one for one in mentions if _ONE_MORE.search(question.whole[: one.start])]
    if added and (not said or added != [mentions[0]]):
        return max(2, len(mentions))  # "another 4090" is beside the one there is
    if len(set(said)) > 1 and is_a_choice(question.whole):
        numbers = tuple(dict.fromkeys(str(count) for count in said))
        question.ambiguous.append(Ambiguity(field="gpu_count", given=" or ".join(numbers), choices=numbers))
        return None
    if len(set(said)) > 1:
        question.warnings.append(f"You named several numbers of that GPU; I took the last, {said[-1]}.")
    return (said[-1] if said else None) or count_anywhere(question)


def _rows(
    question: Remaining,
    names: GpuNames,
    mention: GpuMention,
    mentions: Sequence[GpuMention],
    sizes: Sequence[MemorySize],
    count: int | None,
) -> tuple[Gpu, ...]:
    """The rows a mention may mean; a whole id or display name means its row."""
    said = _sizes_of(mention, mentions, sizes)
    if any(are_a_choice(question, one, other) for one, other in pairwise(said)):
        each = [row for size in said for row in rows_of(mention, (size,), count, names)]
        return tuple(dict.fromkeys(each))  # "an M4 Pro with 48GB or 64GB"
    start, end = _with_sizes(question, mention, sizes)
    whole = names.whole.get(without(key_of(question.whole[start:end]), BRAND))
    if whole is not None and whole in (*mention.said, *mention.loose):
        return (whole,)
    return rows_of(mention, said, count, names)


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
    """The sizes that speak of a mention: all where one GPU is named, else those behind it or right before it."""
    if len({one.key for one in mentions}) == 1:
        return sizes
    after = min(
        (one for one in mentions if one.start > mention.start), key=lambda one: one.start, default=None
    )
    own = [size for size in sizes if mention.end <= size.start and (after is None or size.end <= after.start)]
    if after is not None and own and own[-1].start - mention.end > 1:
        own = [size for size in own if not _is_right_before(size, after)]
    return own or [size for size in sizes if _is_right_before(size, mention)]


def _is_right_before(size: MemorySize, mention: GpuMention) -> bool:
    """Whether a size leads a name: "two 24GB 3090s"."""
    return mention.start - size.end in (0, 1)
