"""LoRA in SGLang: a pool of buffers for as many adapters as a batch may use, allocated before the KV cache."""

from functools import lru_cache

from shared.catalog.rows import Shape
from shared.errors import BadValue
from shared.memory.adapter_weights import numbers_per_rank
from shared.memory.split import Split
from shared.memory.workload import Adapters
from shared.units import ceil_div


def check_adapters(adapters: Adapters) -> None:
    """Raise where there is no adapter or no rank.

    Raises:
        BadValue: Less than one of either.
    """
    if adapters.count < 1 or adapters.rank < 1:
        raise BadValue("adapters", adapters.count, "give at least one adapter of rank 1 or more")


@lru_cache(maxsize=8192)
def adapter_bytes(
    adapters: Adapters, shape: Shape, layers: tuple[int, ...], split: Split, element_bytes: int
) -> int:
    """The buffers on one rank: `max_loras_per_batch` times two matrices of the largest rank for every adapted one.

    sglang/srt/lora/mem_pool.py of 0.5.23 (`get_lora_A_shape`, `get_lora_B_shape`). With `--lora-target-modules all`
    embedding and head have buffers too, and `init_buffers` makes those of both names for either: twice.
    """
    numbers = numbers_per_rank(shape, layers, split, adapters.targets)
    if adapters.targets == "all-linear":
        vocabulary = shape.vocabulary_size
        numbers += 2 * (2 * shape.hidden_size + vocabulary + ceil_div(vocabulary, split.head))
    return adapters.count * adapters.rank * numbers * element_bytes


def target_modules(adapters: Adapters, shape: Shape) -> tuple[str, ...]:
    """What `--lora-target-modules` is given."""
    if adapters.targets == "all-linear":
        return ("all",)
    if shape.latent is not None:
        return ("q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj", "o_proj")
    return ("q_proj", "k_proj", "v_proj", "o_proj")
