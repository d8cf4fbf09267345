"""How transformers spends memory: layers spread by device_map, a cache that grows, and one prefill of everything."""

import math
from collections.abc import Sequence

from shared.catalog.rows import Engine, Gpu, LayerKind, Quantization, QuantizationFormat
from shared.engines.not_offered import refuse_not_offered
from shared.engines.process_memory import before_model
from shared.engines.server import check_load
from shared.engines.transformers.beside import (
    NAME,
    adapter_bytes,
    adapters_error,
    assistant_of,
    beside_lines,
    check_beside,
    with_assistant,
)
from shared.engines.transformers.cache import cache_rows
from shared.engines.transformers.placement import Part, placement
from shared.engines.uncommon_layers import refuse_uncommon
from shared.engines.versions import at_version
from shared.errors import Refused
from shared.memory.breakdown import Breakdown, DeviceMemory
from shared.memory.checkpoint import checkpoint_bytes, scheme
from shared.memory.forward import experts_workspace_bytes, forward_bytes
from shared.memory.server_state import state_page_bytes
from shared.memory.workload import Workload
from shared.units import MIB, gib

RULED = frozenset({LayerKind.SPARSE, LayerKind.COMPRESSED, LayerKind.PARALLEL, LayerKind.CROSS})
_OFFERED = frozenset({"adapters", "speculation"})
_WITH_STATE = (LayerKind.RECURRENT, LayerKind.PARALLEL)
_SIXTEEN_BIT = frozenset({"auto", "f16", "fp16", "float16", "bf16", "bfloat16"})
_LOGIT_BYTES = 6  # of the last token of each sequence: 16 bits, and fp32 for sampling
_WEIGHTS_ERROR = 0.02
_ACTIVATION_ERROR = 0.5
_CACHE_ERROR = 0.1  # a cache that grows by concatenation leaves holes in PyTorch's memory


def memory(workload: Workload, gpus: Sequence[Gpu], facts: Engine) -> Breakdown:
    """Where every byte goes when transformers generates with `device_map="auto"`. None of it has been measured.

    With no GPU all of it is host memory. Layers that "auto" would send to the host for lack of room are counted on
    the last GPU, and said.

    Raises:
        Refused: What transformers itself does not do this way; the sentence says what would work.
        Unsupported: We have no rule for this model.
        BadValue: No tokens or no sequences.
    """
    check_load(workload)
    _refuse(workload, gpus)
    stored_bytes = checkpoint_bytes(workload.model, workload.quantization)
    refuse_uncommon(NAME, workload.model, stored_bytes, ruled=RULED)
    refuse_not_offered(NAME, workload, offered=_OFFERED)
    check_beside(workload)
    version = workload.engine_version or facts.version
    before = [before_model(gpu, 1, facts, version) for gpu in gpus] or [(0, 0.0)]
    allowed = tuple(_allowed(workload.quantization, gpus, [size for size, _ in before], facts, version))
    placed = placement(workload.model, workload.quantization, allowed)
    devices = []
    for index, part in enumerate(placed.parts):
        last = index == len(placed.parts) - 1
        devices.append(_device(workload, part, before[index], facts, version, last=last))
    plain = Breakdown(
        engine=workload.engine,
        engine_version=version,
        model_file_bytes=stored_bytes,
        per_gpu=tuple(devices) if gpus else (),
        host=DeviceMemory() if gpus else devices[0],
        assumptions=(
            f'transformers {version} with device_map="auto"; the whole prompt in one forward pass.',
            "No measured run stands behind these numbers.",
            *beside_lines(workload),
        ),
        warnings=_warnings(workload, placed.overflow_bytes if gpus else 0),
        evidence="none",
    )
    assistant = assistant_of(workload)
    return with_assistant(plain, memory(assistant, gpus[:1], facts)) if assistant else plain


def _device(
    workload: Workload, part: Part, before: tuple[int, float], facts: Engine, version: str, *, last: bool
) -> DeviceMemory:
    """One device with its layers."""
    overhead, overhead_error = before
    expanded = bool(at_version(facts, "latent_cache_expanded", version).value)
    rows = cache_rows(workload.model, workload.quantization, part.layers, expanded=expanded)
    cache = workload.sequences * rows.bytes_at(workload.context_tokens)
    activation = _activation_bytes(workload, last=last) if part.weights_bytes else 0
    # growing writes a layer's new keys before it frees the old
    activation += workload.sequences * workload.context_tokens * rows.widest_bytes // 2
    state = _state_bytes(workload, part)
    workspace = round(at_version(facts, "workspace_mib", version).value * MIB) if overhead else 0
    error = math.hypot(
        part.weights_bytes * _WEIGHTS_ERROR,
        activation * _ACTIVATION_ERROR,
        cache * _CACHE_ERROR,
        overhead_error,
        adapters_error(workload),
    )
    adapters = adapter_bytes(workload.adapters, workload, part.layers)
    return DeviceMemory(
        weights_bytes=part.weights_bytes + adapters,
        adapter_bytes=adapters,
        kv_cache_bytes=cache,
        recurrent_state_bytes=state,
        compute_bytes=activation + workspace,
        overhead_bytes=overhead,
        activation_bytes=activation + workspace,
        uncertainty_bytes=round(error),
    )


def _state_bytes(workload: Workload, part: Part) -> int:
    shape = workload.model.shape
    kinds = shape.layer_kinds()
    recurrent = sum(1 for layer in part.layers if kinds[layer] in _WITH_STATE)
    return recurrent * state_page_bytes(shape, 1) * workload.sequences if recurrent else 0


def _activation_bytes(workload: Workload, *, last: bool) -> int:
    """The prompts through the widest layer; attention repeats grouped keys and values for every head."""
    shape = workload.model.shape
    element = scheme(workload.model, workload.quantization).plain_bytes
    tokens = workload.sequences * workload.context_tokens
    layer = forward_bytes(shape, tokens, 1, element) + experts_workspace_bytes(shape, tokens, 1, element)
    if shape.attention is not None:
        heads = 4 * shape.attention.heads + 2 * shape.attention.kv_heads
        layer = max(layer, tokens * (heads * shape.attention.head_dim + shape.hidden_size) * element)
    layer += (shape.residual_streams - 1) * tokens * shape.hidden_size * element
    logits = 0
    if last and shape.kind != "embedding":
        logits = workload.sequences * shape.vocabulary_size * _LOGIT_BYTES
    return max(layer, logits)


def _allowed(
    quantization: Quantization, gpus: Sequence[Gpu], before_bytes: Sequence[int], facts: Engine, version: str
) -> list[int]:
    """What each GPU may hold of weights by default; host memory has no limit here."""
    if not gpus:
        return [2**62]
    percent = 100
    if len(gpus) == 1:
        percent = int(at_version(facts, "one_gpu_percent", version).value)
    if quantization.format is QuantizationFormat.BITSANDBYTES:
        percent = percent * int(at_version(facts, "quantized_percent", version).value) // 100
    return [
        max(0, gpu.memory_usable_bytes - gone) * percent // 100
        for gpu, gone in zip(gpus, before_bytes, strict=True)
    ]


def _refuse(workload: Workload, gpus: Sequence[Gpu]) -> None:
    if NAME not in workload.quantization.engines:
        raise Refused(
            NAME,
            f"it loads no {workload.quantization.name} weights to run them so; "
            f"{workload.model.native_quantization}, AWQ or NF4 work",
            field="quantization",
        )
    if (workload.tensor_parallel or 1) > 1 or (workload.pipeline_parallel or 1) > 1:
        raise Refused(
            NAME,
            'device_map="auto" spreads whole layers over the GPUs it sees; leave parallel sizes out, or use vLLM',
            field="tensor_parallel",
        )
    given = {workload.kv_cache_type_k.lower(), workload.kv_cache_type_v.lower()} - _SIXTEEN_BIT
    if given:
        raise Refused(
            NAME,
            f"its default cache has no type {' / '.join(sorted(given))}; the model's own 16 bits work",
            field="kv_cache_type",
        )
    needed = workload.quantization.min_compute_capability
    plain = workload.quantization.format is QuantizationFormat.PLAIN  # PyTorch computes BF16 on any GPU
    for gpu in gpus:
        if not plain and needed and gpu.compute_capability and gpu.compute_capability < needed:
            raise Refused(
                NAME,
                f"{workload.quantization.id} takes compute capability {needed[0]}.{needed[1]}, which {gpu.name} "
                "has not; F16 works there",
                field="quantization",
            )


def _warnings(workload: Workload, overflow_bytes: int) -> tuple[str, ...]:
    found = []
    if overflow_bytes:
        found.append(
            f'device_map="auto" would move {gib(overflow_bytes)} of weights to the host, which makes every token slow.'
        )
    if workload.context_tokens > workload.model.context_tokens:
        found.append(f"{workload.model.name} was made for {workload.model.context_tokens:,} tokens.")
    return tuple(found)
