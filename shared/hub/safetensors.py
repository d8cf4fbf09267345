"""The header of a safetensors file: how many parameters of which type it holds (pure).

Format: https://github.com/huggingface/safetensors#format — 8 bytes little-endian length, then that much JSON.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

from shared.errors import Unsupported
from shared.hub.fields import read_json

LENGTH_BYTES: Final = 8
LONGEST_HEADER: Final = 4 * 1024 * 1024
_PLAIN_TYPES: Final = frozenset({"BF16", "F16", "F32", "F64", "F8_E4M3", "F8_E5M2"})
_MOST_DIMENSIONS: Final = 8
_MOST_ELEMENTS: Final = 2**45


def header_bytes(start: bytes) -> int:
    """Length of the JSON that follows the first eight bytes.

    Raises:
        Unsupported: The file is no safetensors file, or its header is longer than LONGEST_HEADER.
    """
    if len(start) < LENGTH_BYTES:
        raise Unsupported("The safetensors file ends before its header.")
    length = int.from_bytes(start[:LENGTH_BYTES], "little")
    if not 2 <= length <= LONGEST_HEADER:
        raise Unsupported("The safetensors file has a header of an impossible length.")
    return length


def parameters_by_type(header: bytes) -> dict[str, int]:
    """Parameters per stored type ("BF16"), summed over the tensors of one file.

    Raises:
        Unsupported: The header is not what the format says.
    """
    counts: dict[str, int] = {}
    for name, tensor in read_json(header, "The safetensors header").items():
        if name == "__metadata__":
            continue
        kind, shape = _tensor(tensor)
        counts[kind] = counts.get(kind, 0) + math.prod(shape)
    return counts


def plain_total(counts: Mapping[str, int]) -> tuple[int, str | None]:
    """All parameters and the type most are stored in; (0, None) where packed types hide how many there are."""
    if not counts or not set(counts) <= _PLAIN_TYPES:
        return 0, None
    return sum(counts.values()), max(counts, key=lambda kind: counts[kind])


def _tensor(tensor: Any) -> tuple[str, list[int]]:
    if isinstance(tensor, Mapping):
        kind, shape = tensor.get("dtype"), tensor.get("shape")
        if (
            isinstance(kind, str)
            and isinstance(shape, list)
            and len(shape) <= _MOST_DIMENSIONS
            and len(kind) <= 16
        ):
            whole = all(isinstance(size, int) and not isinstance(size, bool) and size >= 0 for size in shape)
            if whole and all(size <= _MOST_ELEMENTS for size in shape) and math.prod(shape) <= _MOST_ELEMENTS:
                return kind, shape
    raise Unsupported("The safetensors header describes a tensor that cannot be.")
