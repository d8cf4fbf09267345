"""MIG slices in a question, beside their card ("H100 3g.40gb") or by their name alone ("a 2g.10gb slice")."""

from collections.abc import Sequence

from shared.catalog.rows import Gpu
from shared.errors import UnknownName
from shared.question.hardware import Hardware
from shared.question.remaining import Remaining


def read_slice(
    question: Remaining, rows: Sequence[Gpu], given: str, profile: str, count: int | None
) -> Hardware:
    """The card among these rows that has such a profile, with the slice's memory.

    Where no card is `given`, the first that has it is assumed: cards with the same slice differ by next to nothing.

    Raises:
        UnknownName: None of them has it.
    """
    for row in rows:
        for one in row.mig_profiles:
            if one.name.lower() == profile:
                how = "exact" if given else "assumed"
                question.note("gpu", f"{given} {profile}".strip(), f"{row.id} {one.name}", how)
                return Hardware(gpu=row, count=count, memory_bytes=one.memory_bytes, is_named=True)
    known = sorted({one.name for row in rows for one in row.mig_profiles})
    raise UnknownName("MIG profile", profile, near=known[:4])
