"""What vLLM itself would not start, each with what would work instead."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from shared.catalog.rows import Gpu, Model, Quantization, QuantizationFormat, Shape
from shared.engines.vllm.run import NAME
from shared.errors import Refused, Unsupported
from shared.memory.sharding import VOCABULARY_PADDING
from shared.units import pad

_WITHOUT_BF16: Final = (8, 0)
_MOST_RANKS: Final = 64


def refuse(model: Model, quantization: Quantization, gpus: Sequence[Gpu], tensor: int, pipeline: int) -> None:
    """Raise where vLLM would not start this model so.

    Raises:
        Refused: Tensor parallel does not divide the model, a GPU cannot compute the type, or no such weights.
        Unsupported: A vendor or a kind of model vLLM has no support for.
    """
    _refuse_model(model, quantization)
    for gpu in set(gpus):
        _refuse_gpu(gpu, quantization)
    _refuse_tensor_parallel(model, quantization, tensor)
    if pipeline > model.shape.layers:
        raise Refused(
            NAME,
            f"{model.name} has {model.shape.layers} layers, so at most that many pipeline stages work",
            field="pipeline_parallel",
        )


def refuse_context(model: Model, context_tokens: int) -> None:
    """Raise where the context is longer than the model's (vllm/config/model.py, `_get_and_verify_max_len`)."""
    if context_tokens > model.context_tokens:
        raise Refused(
            NAME,
            f"{model.name} was made for {model.context_tokens:,} tokens and {context_tokens:,} are asked; "
            f"--max-model-len {model.context_tokens} works",
            field="context",
        )


@lru_cache(maxsize=4096)
def valid_tensor_parallel(shape: Shape) -> tuple[int, ...]:
    """The tensor-parallel sizes that divide this model."""
    return tuple(ranks for ranks in range(1, _MOST_RANKS + 1) if not undivided(shape, ranks))


@lru_cache(maxsize=4096)
def undivided(shape: Shape, ranks: int) -> str:
    """What `ranks` does not divide, in words; empty when it divides all that is split.

    vllm/config/model.py (`verify_with_parallel_config`) and vllm/model_executor/layers/linear.py and
    vocab_parallel_embedding.py of 0.19.0: heads by the ranks, key-value heads by the ranks or the ranks by them,
    inner sizes, padded vocabulary.
    """
    attention = shape.attention
    if attention and attention.heads % ranks:
        return f"{attention.heads} attention heads"
    if attention and shape.latent is None and attention.kv_heads % ranks and ranks % attention.kv_heads:
        return f"{attention.kv_heads} key-value heads"
    for size in {shape.ffn_size, *shape.ffn_size_per_layer}:
        if size % ranks:
            return f"a feed-forward of {size}"
    if shape.experts and shape.experts.ffn_size % ranks:
        return f"experts of {shape.experts.ffn_size}"
    if pad(shape.vocabulary_size, VOCABULARY_PADDING) % ranks:
        return f"a vocabulary of {shape.vocabulary_size}"
    if shape.recurrent and shape.recurrent.heads % ranks:
        return f"{shape.recurrent.heads} recurrent heads"
    return ""


def _refuse_model(model: Model, quantization: Quantization) -> None:
    if "vllm" in quantization.engines:
        return
    if quantization.format is QuantizationFormat.GGUF:
        reason = (
            f"its GGUF loader is experimental and slow, so {quantization.id} is for llama.cpp; here "
            f"{model.native_quantization}, FP8 or AWQ weights work"
        )
    else:
        reason = (
            f"it has no loader for {quantization.name}; {model.native_quantization}, FP8 or AWQ weights work"
        )
    raise Refused(NAME, reason, field="quantization")


@lru_cache(maxsize=4096)
def _refuse_gpu(gpu: Gpu, quantization: Quantization) -> None:
    """vllm/platforms/cuda.py (`check_if_supports_dtype`) and each quantization's `get_min_capability`."""
    if gpu.vendor in ("apple", "intel"):
        raise Unsupported(f"vLLM has no support for {gpu.name} that I know of; llama.cpp runs there.")
    capability = gpu.compute_capability
    if gpu.vendor == "amd" or capability is None:
        return
    if capability < (7, 0):
        raise Refused(
            NAME,
            f"{gpu.name} has compute capability {_dotted(capability)}; 7.0 (V100) and newer work",
            field="gpu",
        )
    if quantization.id == "BF16" and capability < _WITHOUT_BF16:
        raise Refused(
            NAME,
            f"{gpu.name} has no bfloat16 (compute capability {_dotted(capability)}, it takes 8.0); "
            "F16 works (--dtype half)",
            field="quantization",
        )
    needed = quantization.min_compute_capability
    if needed is not None and capability < needed:
        raise Refused(
            NAME,
            f"{quantization.id} takes compute capability {_dotted(needed)} and {gpu.name} has "
            f"{_dotted(capability)}; F16 or GPTQ work there",
            field="quantization",
        )


def _refuse_tensor_parallel(model: Model, quantization: Quantization, tensor: int) -> None:
    shape = model.shape
    reason = undivided(shape, tensor)
    if not reason and quantization.format in (QuantizationFormat.AWQ, QuantizationFormat.GPTQ):
        reason = _cut_group(shape, quantization, tensor)
    if not reason:
        return
    works = ", ".join(
        str(ranks)
        for ranks in valid_tensor_parallel(shape)
        if ranks <= 16 and not (quantization.group_size and _cut_group(shape, quantization, ranks))
    )
    raise Refused(
        NAME,
        f"tensor parallel {tensor} does not divide {model.name}, which has {reason}; {works} "
        f"{'works' if ',' not in works else 'work'}",
        field="tensor_parallel",
    )


def _cut_group(shape: Shape, quantization: Quantization, ranks: int) -> str:
    """A rank's share of an input must hold whole groups (vllm/model_executor/layers/quantization/awq.py)."""
    group = quantization.group_size
    for size in {shape.ffn_size, *shape.ffn_size_per_layer}:
        if ranks > 1 and size % (ranks * group):
            return f"a feed-forward of {size} in groups of {group}"
    return ""


def _dotted(capability: tuple[int, int]) -> str:
    return f"{capability[0]}.{capability[1]}"
