"""Hardware a question knows by its memory only: "a GPU with 36 GB", "a Mac Studio with 192 GB"."""

from collections.abc import Callable, Sequence

from shared.catalog.rows import Gpu
from shared.question.gpu_count import checked_total, count_anywhere, count_beside
from shared.question.hardware import Hardware
from shared.question.memory_size import CARD, MemorySize
from shared.question.query import Ambiguity
from shared.question.remaining import Remaining
from shared.units import gib


def read_nameless_gpus(
    question: Remaining, sizes: Sequence[MemorySize], apple: Sequence[Gpu], is_family: Callable[[str], bool]
) -> Hardware:
    """Count and memory of GPUs without a name ("2x 24GB"); `apple` are the rows a Mac may be."""
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
        count = checked_total(question, count)
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
