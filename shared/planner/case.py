"""One case to plan: a question with every gap filled, and a sentence for each gap."""

from dataclasses import dataclass, replace
from typing import Final

from shared.catalog.rows import Gpu, Model, Quantization
from shared.errors import BadValue
from shared.planner.owned import Owned
from shared.question.query import Query
from shared.units import tokens

DEFAULT_CONTEXT_TOKENS: Final = 8192
ONE_USER: Final = "One user at a time."
MOST_GPUS: Final = 1024
MOST_SEQUENCES: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is to be planned. None means the planner is free to choose.

    Attributes:
        context_tokens: Tokens of one sequence.
        context_said: Whether the person named it (else it is the default).
        gpu_count_said: Whether the person named the number of GPUs.
        beside: Other GPUs of the same machine, after the `gpu_count` of `gpu`.
        whole: The card whose slice `gpu` is; None for a whole card.
        host_memory_bytes: Of the machine, where it was said.
        owned: The GPUs of our fleet, to be offered before others; empty where nobody said what we have.
    """

    model: Model
    gpu: Gpu
    gpu_count: int = 1
    gpu_count_said: bool = False
    context_tokens: int = DEFAULT_CONTEXT_TOKENS
    context_said: bool = False
    sequences: int = 1
    quantization: Quantization | None = None
    engine: str | None = None
    kv_cache_type: str | None = None
    gpu_layers: int | None = None
    tensor_parallel: int | None = None
    assumptions: tuple[str, ...] = ()
    beside: tuple[Gpu, ...] = ()
    whole: Gpu | None = None
    host_memory_bytes: int | None = None
    owned: Owned = ()

    def on(self, gpu: Gpu, gpu_count: int = 1) -> "Case":
        """The same case on other hardware; a tensor-parallel count named for the old one no longer holds."""
        return replace(self, gpu=gpu, gpu_count=gpu_count, tensor_parallel=None, whole=None, beside=())

    @property
    def gpus(self) -> tuple[Gpu, ...]:
        """Every GPU of the case, in the engine's order."""
        return (self.gpu,) * self.gpu_count + self.beside


def case_of(query: Query, model: Model, gpu: Gpu, owned: Owned = ()) -> Case:
    """The case a query describes, on this model and GPU.

    Raises:
        BadValue: A number outside what is possible, with what would work.
    """
    check_numbers(query, model)
    context = query.context_tokens or min(DEFAULT_CONTEXT_TOKENS, model.context_tokens)
    assumptions = []
    if query.context_tokens is None:
        assumptions.append(f"Context was not said: {tokens(context)} tokens per user.")
    if query.sequences is None:
        assumptions.append(ONE_USER)
    if query.gpus_beside and query.engine is None:
        assumptions.append(
            "Different GPUs in one machine: run by llama.cpp, which gives each what it can hold."
        )
    return Case(
        model=model,
        gpu=gpu,
        gpu_count=query.gpu_count or query.tensor_parallel or 1,
        gpu_count_said=query.gpu_count is not None,
        context_tokens=context,
        context_said=query.context_tokens is not None,
        sequences=query.sequences or 1,
        quantization=query.quantization,
        engine=query.engine or ("llama.cpp" if query.gpus_beside else None),
        kv_cache_type=query.kv_cache_type,
        gpu_layers=query.gpu_layers,
        tensor_parallel=query.tensor_parallel,
        assumptions=tuple(assumptions),
        beside=query.gpus_beside if gpu == query.gpu else (),
        whole=query.gpu if query.gpu is not None and gpu.id != query.gpu.id else None,
        host_memory_bytes=query.host_memory_bytes,
        owned=owned,
    )


def check_numbers(query: Query, model: Model | None) -> None:
    """Raise BadValue for a count or a context that cannot be."""
    if query.gpu_count is not None and not 1 <= query.gpu_count <= MOST_GPUS:
        raise BadValue("gpu_count", query.gpu_count, f"give 1 to {MOST_GPUS:,} GPUs")
    if query.sequences is not None and not 1 <= query.sequences <= MOST_SEQUENCES:
        raise BadValue("sequences", query.sequences, f"give 1 to {MOST_SEQUENCES:,} users")
    if query.context_tokens is None:
        return
    if query.context_tokens < 1:
        raise BadValue("context", query.context_tokens, "give at least 1 token")
    if model is not None and query.context_tokens > model.context_tokens:
        limit = f"{model.name} was made for at most {model.context_tokens:,} tokens"
        raise BadValue("context", f"{query.context_tokens:,}", limit)
