"""Which layers lie on which GPU, and which stay on the host."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

HOST: Final = -1


def spread_layers(slots: int, on_gpus: int, shares: Sequence[int]) -> tuple[int, ...]:
    """The place of each of `slots` consecutive parts (the layers, then the output layer counted as one more).

    The last `on_gpus` parts go to the GPUs in order, in proportion to `shares`; the rest stays on the host.
    llama.cpp's load_tensors: https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/llama-model.cpp#L1617

    Args:
        slots: Layers and the output layer.
        on_gpus: How many of them are offloaded (`-ngl`).
        shares: One weight per GPU: `--tensor-split`, or the free memory of each.
    """
    if not shares:
        return (HOST,) * slots
    offloaded = max(0, min(on_gpus, slots))
    ends = list(accumulate(shares))
    total = ends[-1]
    places = [HOST] * (slots - offloaded)
    for index in range(offloaded):
        # the first GPU whose share ends after this part's position, compared exactly
        places.append(sum(1 for end in ends[:-1] if end * offloaded <= index * total))
    return tuple(places)
