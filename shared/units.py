"""Sizes: the one place that knows what a GiB is, how a person writes one, and how we print one."""

import re
from typing import Final

KIB: Final = 1024
MIB: Final = 1024**2
GIB: Final = 1024**3
GB: Final = 10**9  # a vendor's word for a marketed size or a bandwidth, never how we print memory

_FACTOR: Final = {
    "b": 1,
    "kb": 10**3,
    "kib": KIB,
    "mb": 10**6,
    "mib": MIB,
    "gb": GB,
    "gib": GIB,
    "tb": 10**12,
    "tib": 1024**4,
}
_SIZE: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?b)\s*", re.IGNORECASE | re.ASCII)
_LONGEST_SIZE_TEXT: Final = 32


def parse_size_bytes(text: str) -> int | None:
    """Bytes in a size as a person writes it ("24 GiB", "80GB"), or None when it is not one."""
    match = _SIZE.fullmatch(text) if len(text) <= _LONGEST_SIZE_TEXT else None
    if match is None:
        return None
    return round(float(match[1]) * _FACTOR[match[2].lower()])


def gib(size_bytes: int, *, digits: int = 1) -> str:
    """A size as we print it everywhere: "79.7 GiB"."""
    return f"{size_bytes / GIB:,.{digits}f} GiB"


def tokens(count: int) -> str:
    """A context as we print it: "8k" for whole multiples of 1,024, "20,000" for the rest."""
    if count and count % KIB == 0:
        return f"{count // KIB}k"
    return f"{count:,}"


def ceil_div(dividend: int, divisor: int) -> int:
    """Integer division rounded up."""
    return -(-dividend // divisor)


def pad(value: int, multiple: int) -> int:
    """The smallest multiple of `multiple` that is at least `value`."""
    return ceil_div(value, multiple) * multiple
