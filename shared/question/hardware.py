"""What a question says about the machine, as a value."""

from dataclasses import dataclass

from shared.catalog.rows import Gpu


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What a question says about the machine; None where it says nothing.

    `is_named` is True when a GPU or a GPU memory was named, even where it was left ambiguous.
    """

    gpu: Gpu | None = None
    beside: tuple[Gpu, ...] = ()
    count: int | None = None
    memory_bytes: int | None = None
    host_memory_bytes: int | None = None
    is_named: bool = False
