"""LoRA in text-generation-inference: every adapter is loaded at start, cut over the shards, its rank padded."""

from functools import lru_cache

from shared.catalog.rows import Model
from shared.engines.tgi.settings import NATIVE, SERVER
from shared.errors import BadValue, Refused
from shared.memory.adapter_weights import numbers_without_experts
from shared.memory.workload import Adapters
from shared.units import ceil_div, pad

_LEAST_RANK = 8  # of the kernels, on each shard
_RANK_STEP = 16


def check_adapters(adapters: Adapters, model: Model) -> None:
    """Raise where no adapter can be loaded.

    Raises:
        BadValue: Less than one adapter or rank.
        Refused: A model of the transformers fallback, whose layers take no adapters.
    """
    if adapters.count < 1 or adapters.rank < 1:
        raise BadValue("adapters", adapters.count, "give at least one adapter of rank 1 or more")
    if model.shape.architecture not in NATIVE:
        raise Refused(
            SERVER.name,
            f"{model.name} runs through its transformers fallback, which takes no adapters; vLLM does",
            field="adapters",
        )


@lru_cache(maxsize=4096)
def adapter_bytes(adapters: Adapters, model: Model, tensor: int, element_bytes: int) -> int:
    """All adapters on one shard.

    Both halves of every pair are cut: A by its inputs or its rank, B by its outputs, and before that the rank is padded
    to 8 for each shard, or beyond to whole 16s. Attention and dense feed-forward layers are adapted, experts not:
    server/text_generation_server/adapters/lora.py (`prepare_weights`, `shard_lora_weights`), utils/sgmv.py
    (`pad_rank`), utils/adapter.py and models/__init__.py (`build_layer_weight_lookup`).
    """
    least = _LEAST_RANK * tensor
    rank = least if adapters.rank <= least else pad(adapters.rank, _RANK_STEP)
    numbers = numbers_without_experts(model.shape, tuple(range(model.shape.layers)), adapters.targets)
    return adapters.count * ceil_div(rank * numbers, tensor) * element_bytes
