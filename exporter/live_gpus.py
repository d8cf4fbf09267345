"""A device as it is on this node -> the catalog row the estimator is given for it."""

from dataclasses import replace

from exporter.reading import DeviceReading
from shared.catalog.rows import Gpu


def usable_bytes(device: DeviceReading, row: Gpu | None) -> int | None:
    """What could be allocated on the device with nothing running there; None when its memory is not known.

    Total less the driver's reserve: on an H100 81,559 - 479 = 81,080 MiB, and CUDA says 81,081. A driver that does
    not tell its reserve leaves the catalog's measured figure, if the card is the one we know.
    """
    memory = device.memory
    if memory is None:
        return None
    if memory.reserved_bytes is not None:
        return memory.total_bytes - memory.reserved_bytes
    if row is not None and device.identity.memory_kind == "dedicated":
        return min(row.memory_usable_bytes, memory.total_bytes)
    return memory.total_bytes


def live_row(device: DeviceReading, row: Gpu) -> Gpu | None:
    """The catalog's row with this device's own memory sizes; None when they are not known.

    A MIG instance is its parent's row with the instance's memory: the same cores, fewer of them.
    """
    memory, usable = device.memory, usable_bytes(device, row)
    if memory is None or usable is None or usable <= 0:
        return None
    if (memory.total_bytes, usable) == (row.memory_total_bytes, row.memory_usable_bytes):
        return row
    profile = device.identity.mig_profile
    return replace(
        row,
        id=f"{row.id}-mig-{profile}" if profile is not None else row.id,
        memory_total_bytes=memory.total_bytes,
        memory_usable_bytes=usable,
    )
