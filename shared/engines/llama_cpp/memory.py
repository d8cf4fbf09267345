"""Where every byte of a llama.cpp workload goes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from shared.catalog.rows import Engine, Gpu, LayerKind
from shared.engines.llama_cpp.beside import Extra, adapters, drafted, mtp, projector, with_extras
from shared.engines.llama_cpp.cache import CacheDigest, as_cached, cache_digest
from shared.engines.llama_cpp.compute import compute_bytes, reservation
from shared.engines.llama_cpp.encoder import encoder_compute_bytes
from shared.engines.llama_cpp.notes import assumptions, beside_lines, compute_error, evidence, warnings
from shared.engines.llama_cpp.overhead import context, error_bytes, scratch
from shared.engines.llama_cpp.place import Placement, Range, placement
from shared.engines.llama_cpp.quantizer import mix_of
from shared.engines.llama_cpp.settings import ENCODERS, ENGINE, Settings, resolve
from shared.engines.llama_cpp.weights import WeightsDigest, digest
from shared.engines.not_offered import refuse_not_offered
from shared.engines.uncommon_layers import refuse_uncommon
from shared.memory.breakdown import Breakdown, DeviceMemory
from shared.memory.placement import HOST
from shared.memory.workload import Workload

_LOGIT_BYTES: Final = 4
RULED: Final = frozenset({LayerKind.PARALLEL})  # src/models/falcon-h1.cpp
_OFFERED: Final = frozenset({"speculation", "adapters"})


def memory(workload: Workload, gpus: Sequence[Gpu], facts: Engine) -> Breakdown:
    """The bytes of a workload on these GPUs (none: host memory only), with all that is loaded beside the model.

    Raises:
        BadValue: A setting that llama.cpp does not have.
        Refused: A combination that llama.cpp refuses to start with.
        Unsupported: A model that llama.cpp has no loader for.
    """
    refuse_not_offered(ENGINE, workload, offered=_OFFERED)
    plain = _plain(workload, gpus, facts)
    if workload.adapters is None and workload.speculation is None and not workload.projector:
        return plain
    version = workload.engine_version or facts.version
    settings = resolve(workload, version)
    mix = mix_of(workload.quantization)
    placed = placement(workload, gpus, digest(workload.model, mix).layer_count)
    last = placed.places[-1]
    compute = plain.host.compute_bytes if last == HOST else plain.per_gpu[last].compute_bytes
    extras = [
        adapters(workload, settings, placed),
        projector(workload, len(gpus)),
        mtp(workload, mix, settings, placed, compute),
        _drafted(workload, gpus, facts),
    ]
    return with_extras(plain, extras, beside_lines(workload))


def _drafted(workload: Workload, gpus: Sequence[Gpu], facts: Engine) -> dict[int, Extra]:
    """The draft model, with the model's context, a 16-bit cache and one row of logits per slot.

    `common_base_params_to_speculative` of common/speculative.cpp at 0c1e57098.
    """
    speculation = workload.speculation
    if speculation is None or speculation.draft is None:
        return {}
    draft = replace(
        workload,
        model=speculation.draft,
        quantization=speculation.quantization or workload.quantization,
        gpu_layers=speculation.gpu_layers,
        cpu_expert_layers=0,
        kv_cache_type_k="auto",
        kv_cache_type_v="auto",
        speculation=None,
        adapters=None,
        projector=False,
    )
    return drafted(_plain(draft, gpus, facts))


def _plain(workload: Workload, gpus: Sequence[Gpu], facts: Engine) -> Breakdown:
    """The model alone."""
    version = workload.engine_version or facts.version
    stored = workload.model
    cached = as_cached(stored)
    if cached is not stored:
        workload = replace(workload, model=cached)
    settings = resolve(workload, version)
    mix = mix_of(workload.quantization)
    weights = digest(stored, mix)
    refuse_uncommon(ENGINE, stored, weights.file_bytes, ruled=RULED)
    placed = placement(workload, gpus, weights.layer_count)
    cache = cache_digest(workload.model, settings.key_type, settings.value_type, settings.flash_attention)
    if stored.shape.gguf_architecture in ENCODERS:
        compute = encoder_compute_bytes(stored.shape, settings, placed)
    else:
        asked = reservation(workload.model, mix, settings, placed, takes_over=bool(gpus))
        compute = compute_bytes(asked, settings.cells)
    held = {part.place: _held(part, placed, weights, cache, settings) for part in placed.ranges}
    per_gpu = tuple(
        _gpu(workload, gpu, facts, held.get(index, DeviceMemory()), compute.get(index, 0), settings, version)
        for index, gpu in enumerate(gpus)
    )
    if workload.split_mode == "row" and len(gpus) > 1:
        per_gpu = _rows_spread(per_gpu, workload, gpus)
    return Breakdown(
        engine=ENGINE,
        engine_version=version,
        model_file_bytes=weights.file_bytes,
        per_gpu=per_gpu,
        host=_host(workload, placed, held, weights, settings, compute.get(HOST, 0)),
        assumptions=assumptions(workload, version, settings),
        warnings=warnings(workload, settings),
        evidence=evidence(workload.model, version),
    )


def held_by_gpu(workload: Workload, gpus: Sequence[Gpu], facts: Engine) -> tuple[int, ...]:
    """Bytes of weights, cache and states on each GPU, of the model alone: what needs no graph to be known.

    Raises:
        BadValue, Refused, Unsupported: As `memory` does.
    """
    cached = replace(workload, model=as_cached(workload.model))
    settings = resolve(cached, workload.engine_version or facts.version)
    weights = digest(workload.model, mix_of(workload.quantization))
    refuse_uncommon(ENGINE, workload.model, weights.file_bytes, ruled=RULED)
    placed = placement(cached, gpus, weights.layer_count)
    cache = cache_digest(cached.model, settings.key_type, settings.value_type, settings.flash_attention)
    held = [0] * len(gpus)
    for part in placed.ranges:
        if part.place != HOST:
            one = _held(part, placed, weights, cache, settings)
            held[part.place] = one.weights_bytes + one.kv_cache_bytes + one.recurrent_state_bytes
    return tuple(held)


def _held(
    part: Range, placed: Placement, weights: WeightsDigest, cache: CacheDigest, settings: Settings
) -> DeviceMemory:
    """Weights, cache and state of the layers in one place."""
    size = weights.layer_bytes(part.first, part.end)
    if part.place != HOST and placed.expert_layers_on_host > part.first:
        size -= weights.expert_bytes(part.first, min(part.end, placed.expert_layers_on_host))
    if part.end > part.first:
        size += weights.repeated_bytes
    if part.output:
        size += weights.output_bytes - (weights.tied_bytes if part.place == HOST else 0)
    return DeviceMemory(
        weights_bytes=size,
        kv_cache_bytes=cache.bytes_between(part.first, part.end, settings),
        recurrent_state_bytes=cache.state_between(part.first, part.end, settings),
    )


def _gpu(
    workload: Workload,
    gpu: Gpu,
    facts: Engine,
    held: DeviceMemory,
    compute: int,
    settings: Settings,
    version: str,
) -> DeviceMemory:
    """One GPU: what it holds, its compute buffer, and what the process takes beside."""
    over = context(gpu, facts)
    pool = scratch(workload.model, settings) if compute else 0
    return DeviceMemory(
        weights_bytes=held.weights_bytes,
        kv_cache_bytes=held.kv_cache_bytes,
        recurrent_state_bytes=held.recurrent_state_bytes,
        compute_bytes=compute,
        overhead_bytes=over.size_bytes + pool,
        uncertainty_bytes=error_bytes(over, pool, compute, compute_error(workload.model, version)),
    )


def _host(
    workload: Workload,
    placed: Placement,
    held: dict[int, DeviceMemory],
    weights: WeightsDigest,
    settings: Settings,
    compute: int,
) -> DeviceMemory:
    """Host memory: embeddings, layers and experts kept there, its compute buffer, and the logits handed out."""
    layers = held.get(HOST, DeviceMemory())
    first_on_gpu = placed.places.index(next((place for place in placed.places if place != HOST), HOST))
    experts = placed.expert_layers_on_host
    moved = weights.expert_bytes(first_on_gpu, experts) if experts > first_on_gpu else 0
    return DeviceMemory(
        weights_bytes=weights.input_bytes + layers.weights_bytes + moved,
        kv_cache_bytes=layers.kv_cache_bytes,
        recurrent_state_bytes=layers.recurrent_state_bytes,
        compute_bytes=compute,
        overhead_bytes=settings.sequences * workload.model.shape.vocabulary_size * _LOGIT_BYTES,
    )


def _rows_spread(
    devices: tuple[DeviceMemory, ...], workload: Workload, gpus: Sequence[Gpu]
) -> tuple[DeviceMemory, ...]:
    """Row split: the first GPU keeps cache and compute, weight matrices are cut over all GPUs by their shares."""
    shares = workload.tensor_split or tuple(gpu.memory_usable_bytes for gpu in gpus)
    total, weights = sum(shares), devices[0].weights_bytes
    spread = [weights * share // total for share in shares]
    spread[0] += weights - sum(spread)
    return tuple(replace(device, weights_bytes=size) for device, size in zip(devices, spread, strict=True))
