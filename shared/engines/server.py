"""What the tensor-parallel servers refuse alike, each in its own name and with its own flags."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.catalog.rows import Gpu, LayerKind, Model, Quantization, QuantizationFormat
from shared.engines.uncommon_layers import refuse_uncommon
from shared.errors import BadValue, Refused, Unsupported
from shared.memory.checkpoint import checkpoint_bytes
from shared.memory.divisibility import cut_group, undivided, valid_tensor_parallel
from shared.memory.split import Split
from shared.memory.workload import Workload

_WITH_BF16: Final = (8, 0)
_SUGGESTED_RANKS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server engine as its refusals name it."""

    id: str
    name: str
    oldest_capability: tuple[int, int]
    ranks_flag: str
    half_flag: str
    context_flag: str
    ruled: frozenset[LayerKind] = frozenset()  # uncommon kinds of layers its rules count


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """How a server is spread: `data` engines of `pipeline` stages of `tensor` ranks each, a GPU for every rank.

    With `attention_data` the engines are groups within tensor parallel instead, and `data` is 1.
    """

    tensor: int
    pipeline: int = 1
    data: int = 1
    attention_data: int = 1

    @property
    def engine_ranks(self) -> int:
        """GPUs of one engine."""
        return self.tensor * self.pipeline

    @property
    def ranks(self) -> int:
        """GPUs of all engines."""
        return self.engine_ranks * self.data

    @property
    def caches(self) -> int:
        """KV caches that sequences are dealt out to."""
        return self.data * self.attention_data


def parallel(server: Server, workload: Workload, gpus: int) -> Parallel:
    """The parallel sizes; what was not said uses all GPUs.

    Raises:
        Refused: They need more GPUs than there are, or do not divide each other.
    """
    copies = 1 if workload.data_parallel is None else workload.data_parallel
    data, attention = (1, copies) if workload.data_parallel_attention else (copies, 1)
    if copies < 1:
        raise BadValue("data_parallel", copies, "give 1 or more")
    if 0 < gpus < data:
        raise Refused(
            server.name,
            f"data parallel {data} needs at least {data} GPUs and {gpus} {'is' if gpus == 1 else 'are'} given",
            field="data_parallel",
        )
    tensor, pipeline = parallel_sizes(server, workload, gpus // data)
    if tensor % attention:
        raise Refused(
            server.name,
            f"data-parallel attention of {attention} does not divide tensor parallel {tensor}",
            field="data_parallel",
        )
    return _sizes(tensor, pipeline, data, attention)


@lru_cache(maxsize=1024)
def _sizes(tensor: int, pipeline: int, data: int, attention: int) -> Parallel:
    return Parallel(tensor=tensor, pipeline=pipeline, data=data, attention_data=attention)


def parallel_sizes(server: Server, workload: Workload, gpus: int) -> tuple[int, int]:
    """Tensor- and pipeline-parallel sizes of one engine on `gpus` GPUs; what was not said uses all of them.

    Raises:
        Refused: They need more GPUs than there are.
    """
    if gpus == 0:
        raise Refused(server.name, "it needs a GPU; llama.cpp runs from host memory alone", field="gpu")
    pipeline = 1 if workload.pipeline_parallel is None else workload.pipeline_parallel
    tensor = workload.tensor_parallel
    if tensor is None:
        tensor = max(1, gpus // pipeline) if pipeline > 0 else 1
    if tensor < 1 or pipeline < 1 or tensor * pipeline > gpus:
        raise Refused(
            server.name,
            f"tensor parallel {tensor} x pipeline parallel {pipeline} needs {tensor * pipeline} GPUs and {gpus} "
            f"{'is' if gpus == 1 else 'are'} given; {server.ranks_flag} {max(1, gpus // max(1, pipeline))} works",
            field="tensor_parallel",
        )
    return tensor, pipeline


def check_load(workload: Workload) -> None:
    """Raise where the asked load is none.

    Raises:
        BadValue: No tokens or no sequences.
    """
    if workload.context_tokens < 1:
        raise BadValue("context", workload.context_tokens, "give at least one token")
    if workload.sequences < 1:
        raise BadValue("sequences", workload.sequences, "give at least one")


def refuse(
    server: Server,
    model: Model,
    quantization: Quantization,
    gpus: Sequence[Gpu],
    split: Split,
    pipeline: int,
) -> None:
    """Raise where the server would not start this model on these GPUs, split this way.

    Raises:
        Refused: Tensor parallel does not divide the model, a GPU cannot compute the type, or no such weights.
        Unsupported: A vendor the server has no support for.
    """
    _refuse_weights(server, model, quantization)
    refuse_uncommon(server.name, model, checkpoint_bytes(model, quantization), ruled=server.ruled)
    for gpu in set(gpus):
        _refuse_gpu(server, gpu, quantization)
    _refuse_split(server, model, quantization, split)
    if pipeline > model.shape.layers:
        raise Refused(
            server.name,
            f"{model.name} has {model.shape.layers} layers, so at most that many pipeline stages work",
            field="pipeline_parallel",
        )


def refuse_context(server: Server, model: Model, context_tokens: int) -> None:
    """Raise where the context is longer than the one the model was made for, which these servers check."""
    if context_tokens > model.context_tokens:
        raise Refused(
            server.name,
            f"{model.name} was made for {model.context_tokens:,} tokens and {context_tokens:,} are asked; "
            f"{server.context_flag} {model.context_tokens} works",
            field="context",
        )


def _refuse_weights(server: Server, model: Model, quantization: Quantization) -> None:
    if server.id in quantization.engines:
        return
    loader = (
        "its GGUF loader is experimental" if quantization.format is QuantizationFormat.GGUF else "it loads no"
    )
    if quantization.format is QuantizationFormat.GGUF:
        reason = f"{loader}, so {quantization.id} is for llama.cpp"
    else:
        reason = f"{loader} {quantization.name} weights"
    raise Refused(
        server.name, f"{reason}; {model.native_quantization}, FP8 or AWQ weights work", field="quantization"
    )


@lru_cache(maxsize=8192)
def _refuse_gpu(server: Server, gpu: Gpu, quantization: Quantization) -> None:
    if gpu.vendor in ("apple", "intel"):
        raise Unsupported(
            f"{server.name} has no support for {gpu.name} that I know of; llama.cpp runs there."
        )
    capability = gpu.compute_capability
    if gpu.vendor == "amd" or capability is None:
        return
    if capability < server.oldest_capability:
        raise Refused(
            server.name,
            f"{gpu.name} has compute capability {_dotted(capability)}; "
            f"{_dotted(server.oldest_capability)} and newer work",
            field="gpu",
        )
    if quantization.id == "BF16" and capability < _WITH_BF16:
        raise Refused(
            server.name,
            f"{gpu.name} has no bfloat16 (compute capability {_dotted(capability)}, it takes 8.0); "
            f"F16 works ({server.half_flag})",
            field="quantization",
        )
    needed = quantization.min_compute_capability
    if needed is not None and capability < needed:
        raise Refused(
            server.name,
            f"{quantization.id} takes compute capability {_dotted(needed)} and {gpu.name} has "
            f"{_dotted(capability)}; F16 or GPTQ work there",
            field="quantization",
        )


@lru_cache(maxsize=8192)
def _refuse_split(server: Server, model: Model, quantization: Quantization, split: Split) -> None:
    shape = model.shape
    grouped = quantization.format in (QuantizationFormat.AWQ, QuantizationFormat.GPTQ)
    reason = undivided(shape, split) or (cut_group(shape, quantization, split.dense) if grouped else "")
    if not reason:
        return
    if not split.is_even:
        raise Refused(
            server.name,
            f"these parallel sizes do not divide {model.name}, which has {reason}",
            field="tensor_parallel",
        )
    works = [
        str(ranks)
        for ranks in valid_tensor_parallel(shape)
        if ranks <= _SUGGESTED_RANKS and not (grouped and cut_group(shape, quantization, ranks))
    ]
    raise Refused(
        server.name,
        f"tensor parallel {split.attention} does not divide {model.name}, which has {reason}; {', '.join(works)} "
        f"{'works' if len(works) == 1 else 'work'}",
        field="tensor_parallel",
    )


def _dotted(capability: tuple[int, int]) -> str:
    return f"{capability[0]}.{capability[1]}"
