"""What vLLM itself would not start, each with what would work instead."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from shared.catalog.rows import Gpu, Model, Quantization, QuantizationFormat
from shared.engines.vllm.run import NAME
from shared.errors import Refused, Unsupported
from shared.memory.divisibility import cut_group, undivided, valid_tensor_parallel

_WITHOUT_BF16: Final = (8, 0)


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
        reason = cut_group(shape, quantization, tensor)
    if not reason:
        return
    works = ", ".join(
        str(ranks)
        for ranks in valid_tensor_parallel(shape)
        if ranks <= 16 and not (quantization.group_size and cut_group(shape, quantization, ranks))
    )
    raise Refused(
        NAME,
        f"tensor parallel {tensor} does not divide {model.name}, which has {reason}; {works} "
        f"{'works' if ',' not in works else 'work'}",
        field="tensor_parallel",
    )


def _dotted(capability: tuple[int, int]) -> str:
    return f"{capability[0]}.{capability[1]}"
