"""From a GPU mention and the sizes said beside it to one row, or to the choices to ask about."""

from collections.abc import Sequence

from shared.catalog.rows import Gpu
from shared.errors import UserError
from shared.question.amounts import either
from shared.question.gpu_mention import GpuMention
from shared.question.gpu_names import GpuNames
from shared.question.memory_size import MemorySize


def rows_of(
    mention: GpuMention, sizes: Sequence[MemorySize], count: int | None, names: GpuNames
) -> tuple[Gpu, ...]:
    """The rows a mention may mean: one for each memory size left open.

    A size may be one card's, or all cards' together ("2x 3090, 48 GB").

    Raises:
        UserError: The card does not come with the size said.
    """
    known = tuple(dict.fromkeys((*mention.said, *mention.loose)))
    for size in sizes:
        fitting = [row for row in known if size.gib in names.sizes[row.id]]
        fitting.sort(key=lambda row: (row not in mention.said, mention.key not in names.own[row.id]))
        if fitting and not (size.of_all and count is not None and count > 1):
            return (fitting[0],)
    for size in sizes:
        if count is not None and count > 1:
            fitting = [row for row in known if size.gib == row.memory_marketed_gb * count]
            fitting.sort(key=lambda row: (row not in mention.said, mention.key not in names.own[row.id]))
            if fitting:
                return (fitting[0],)
    if sizes:
        raise _no_such_size(mention, known, sizes[0])
    rows = sorted(_not_particular(mention), key=lambda row: mention.key not in names.own[row.id])
    return _one_per_size(rows)


def _not_particular(mention: GpuMention) -> tuple[Gpu, ...]:
    """Rows to choose among when no size was said: those of that very name, and their family's other sizes."""
    if not mention.said:
        return mention.loose
    families = {row.family for row in mention.said}
    return tuple(dict.fromkeys((*mention.said, *(row for row in mention.loose if row.family in families))))


def _one_per_size(rows: Sequence[Gpu]) -> tuple[Gpu, ...]:
    """The first row of each memory size: forms of one size (SXM, PCIe) differ in speed, not in what fits."""
    first: dict[int, Gpu] = {}
    for row in rows:
        first.setdefault(row.memory_marketed_gb, row)
    return tuple(first.values())


def _no_such_size(mention: GpuMention, known: Sequence[Gpu], size: MemorySize) -> UserError:
    """The refusal "There is no A100 with 60 GB": the real variants, and how to ask about other hardware."""
    real = sorted({row.memory_marketed_gb for row in known})
    family = next((row.family for row in _not_particular(mention)), known[0].family)
    comes_with = either(tuple(f"{one} GB" for one in real))
    given = f"{size.gib.normalize():f} GB"
    return UserError(
        f"There is no {family} with {given}: it comes with {comes_with}. For other hardware say 'a GPU with {given}'.",
        suggestions=tuple(dict.fromkeys(row.name for row in _one_per_size(known))),
        field="gpu",
    )
