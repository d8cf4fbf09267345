"""LoRA in vLLM: buffers for as many adapters as run at once, allocated with the weights whatever is loaded."""

from functools import lru_cache
from typing import Final

from shared.catalog.rows import Shape
from shared.engines.vllm.run import SERVER, Batch
from shared.errors import BadValue, Refused
from shared.memory.adapter_weights import numbers_per_rank
from shared.memory.server_weights import Stage
from shared.memory.split import Split
from shared.memory.workload import Adapters

_LATENT_MODULES: Final = (
    "fused_qkv_a_proj",
    "q_proj",
    "q_b_proj",
    "kv_a_proj_with_mqa",
    "kv_b_proj",
    "o_proj",
)
RANKS: Final = (
    1,
    8,
    16,
    32,
    64,
    128,
    256,
    320,
    512,
)  # MaxLoRARanks of vllm/config/lora.py of 0.19.0 and 0.33.0
_LARGEST_VOCABULARY: Final = 258_048
# Architectures whose embedding and head take adapters too: `embedding_modules` in vllm/model_executor/models of 0.33.0.
_WITH_EMBEDDINGS: Final = frozenset(
    {
        "llama", "mistral", "mixtral", "qwen3", "qwen3_moe", "granite", "granitemoe", "granitemoehybrid", "nemotron",
        "nemotron_h", "jamba", "cohere", "cohere2", "exaone", "exaone4", "phimoe", "lfm2", "lfm2_moe", "minicpm",
        "falcon_h1", "solar",
    }
)  # fmt: skip


def check_adapters(adapters: Adapters, shape: Shape) -> None:
    """Raise where vLLM does not start with these adapters.

    Raises:
        BadValue: No adapter or no rank.
        Refused: A rank vLLM has no buffers of, or a vocabulary too large for an adapted head.
    """
    if adapters.count < 1 or adapters.rank < 1:
        raise BadValue("adapters", adapters.count, "give at least one adapter of rank 1 or more")
    if adapters.rank not in RANKS:
        larger = next((rank for rank in RANKS if rank >= adapters.rank), None)
        works = f"--max-lora-rank {larger} holds it" if larger else f"{RANKS[-1]} is the largest"
        raise Refused(SERVER.name, f"it has no buffers of rank {adapters.rank}; {works}", field="adapters")
    if adapts_embeddings(adapters, shape) and shape.vocabulary_size > _LARGEST_VOCABULARY:
        raise Refused(
            SERVER.name,
            f"an adapted head takes a vocabulary of at most {_LARGEST_VOCABULARY:,} and this one has "
            f"{shape.vocabulary_size:,}; --lora-targets attention works",
            field="adapters",
        )


def attention_names() -> frozenset[str]:
    """Every name `attention_modules` gives."""
    return frozenset({"qkv_proj", *_LATENT_MODULES})


def attention_modules(shape: Shape) -> tuple[str, ...]:
    """Attention's matrices as vLLM names them: packed_modules_mapping of vllm/model_executor/models."""
    if shape.latent is not None:
        return _LATENT_MODULES
    return ("qkv_proj", "o_proj")


def adapts_embeddings(adapters: Adapters, shape: Shape) -> bool:
    """Whether embedding and head get buffers."""
    return adapters.targets == "all-linear" and shape.architecture in _WITH_EMBEDDINGS


@lru_cache(maxsize=8192)
def adapter_bytes(adapters: Adapters, shape: Shape, stage: Stage, split: Split, element_bytes: int) -> int:
    """The buffers on one rank: `max_loras` times two matrices of the largest rank for every adapted one.

    vllm/lora/layers/{base_linear,column_parallel_linear,row_parallel_linear,fused_moe}.py of 0.19.0
    (`create_lora_weights`: zeros of max_loras x 1 x rank x inputs, and of outputs x rank);
    vocal_parallel_embedding.py and logits_processor.py, whose buffers are whole on every rank.
    """
    numbers = numbers_per_rank(shape, stage.layers, split, adapters.targets)
    if adapters.targets == "all-linear" and shape.experts is not None:
        routers = sum(1 for layer in stage.layers if layer >= shape.experts.first_dense_layers)
        numbers += routers // shape.experts.every * (shape.hidden_size + shape.experts.total)
    if adapts_embeddings(adapters, shape):
        numbers += (stage.first + stage.last) * (shape.vocabulary_size + shape.hidden_size)
    return adapters.count * adapters.rank * numbers * element_bytes


def graph_cases(batch: Batch, version: tuple[int, ...]) -> int:
    """How often every batch size is captured: with and without adapters since 0.12.

    vllm/config/compilation.py of 0.16.0 (`cudagraph_specialize_lora`), which 0.10.2 has not.
    """
    return 2 if batch.adapters is not None and version >= (0, 12) else 1
