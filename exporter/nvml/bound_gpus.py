"""Which GPUs the kernel's driver holds now, from sysfs: NVML lists those of its session's start."""

import os
import re
from pathlib import Path
from typing import Final

NVIDIA_DRIVER: Final = Path("/sys/bus/pci/drivers/nvidia")
_PCI_ADDRESS: Final = re.compile(r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")


def bound_gpus(driver: Path = NVIDIA_DRIVER) -> frozenset[str]:
    """PCI addresses of the GPUs bound to the driver; none where there is no such driver, or no PCI bus."""
    try:
        return frozenset(name for name in os.listdir(driver) if _PCI_ADDRESS.fullmatch(name))  # noqa: PTH208  every look
    except OSError:
        return frozenset()
