"""One `fit estimate`, from flags or from a line of JSON: names become rows, numbers are checked, gaps are filled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.terminal.beside import adapters_of, speculation_of
from bot.terminal.devices import free_of, gpus_of
from bot.terminal.fields import one_of, share, switch, tensor_split, text, whole
from bot.terminal.parallel import expert_parallel_of, parallel_of
from shared.catalog.catalog import Catalog
from shared.catalog.checkpoints import Checkpoint, find_checkpoint
from shared.catalog.names import find_engine, find_quantization
from shared.catalog.rows import Gpu, Model, Quantization, QuantizationFormat
from shared.errors import BadValue, Refused, UserError, shown
from shared.memory.workload import Workload
from shared.planner.case import DEFAULT_CONTEXT_TOKENS, MOST_SEQUENCES
from shared.planner.engine_choice import engine_for, published
from shared.units import tokens

# Only the generation of the card an estimate without a GPU is made for matters; its memory is not held against it.
_REFERENCE_GPU: Final = "h100-80gb"
_LAYERWISE: Final = ("llama.cpp", "transformers")  # they spread whole layers


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateRequest:
    """What to estimate. `gpus` is empty for host memory only; `capacity_known` is False without a named GPU.

    `free_bytes` is what is free on each GPU where something takes some of it already.
    """

    workload: Workload
    gpus: tuple[Gpu, ...]
    capacity_known: bool
    assumptions: tuple[str, ...]
    free_bytes: tuple[int, ...] | None = None


def request_of(asked: Mapping[str, Any], catalog: Catalog) -> EstimateRequest:
    """The request these fields describe; None and left out mean the same.

    Raises:
        UserError: A name nobody knows, a number that cannot be, a field that is none.
    """
    given = {name: value for name, value in asked.items() if value is not None}
    _refuse_unknown(given)
    assumptions: list[str] = []
    model = _model(given, catalog, assumptions)
    sizes = parallel_of(given)
    gpus = gpus_of(given, sizes, catalog.gpus[_REFERENCE_GPU], catalog)
    quantization, engine = _quantization_and_engine(given, model, gpus[0], catalog, assumptions)
    gpu_layers = whole(given, "gpu_layers", 0, 100_000)
    if "gpu" not in given and gpu_layers != 0:
        assumptions.append("No GPU was named: nothing to hold the bytes against.")
    on_host = "gpu" not in given and gpu_layers == 0
    free = free_of(given, gpus)
    load = Workload(
        model=model,
        quantization=quantization,
        engine=engine,
        context_tokens=_context(given, model, assumptions),
        gpu_layers=gpu_layers,
        tensor_parallel=sizes.tensor or (None if engine in _LAYERWISE else sizes.tensor_of(len(gpus))),
        pipeline_parallel=sizes.pipeline,
        data_parallel=sizes.data,
        data_parallel_attention=sizes.attention,
        expert_parallel=expert_parallel_of(given, sizes, len(gpus), engine),
        speculation=speculation_of(given, quantization, catalog, assumptions),
        adapters=adapters_of(given, assumptions),
        **_settings(given),
    )
    return EstimateRequest(
        workload=load,
        gpus=() if on_host else gpus,
        capacity_known="gpu" in given,
        assumptions=tuple(assumptions),
        free_bytes=None if on_host else free,
    )


def _model(given: dict[str, Any], catalog: Catalog, assumptions: list[str]) -> Model:
    """The model; a quantization that its name says is filled into `given`."""
    found = find_checkpoint(text(given, "model"), catalog)
    if found.how == "assumed":
        assumptions.append(f"{shown(text(given, 'model'))} is taken to have the shape of {found.model.name}.")
    if "quantization" not in given and (said := _quantization_said(found, catalog, assumptions)) is not None:
        given["quantization"] = said
    return found.model


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """The engines' own settings, which depend on nothing else."""
    kv_k, kv_v = _kv_cache_types(given)
    return {
        "sequences": whole(given, "sequences", 1, MOST_SEQUENCES) or 1,
        "kv_cache_type_k": kv_k,
        "kv_cache_type_v": kv_v,
        "cpu_expert_layers": whole(given, "n_cpu_moe", 0, 100_000) or 0,
        "batch_tokens": whole(given, "batch_size", 1, 10**7),
        "ubatch_tokens": whole(given, "ubatch", 1, 10**7),
        "flash_attention": switch(given, "flash_attention"),
        "kv_unified": switch(given, "kv_unified"),
        "swa_full": switch(given, "swa_full") or False,
        "program": str(given.get("program", "llama-server")),
        "split_mode": one_of(given, "split_mode", ("layer", "row", "none"), "layer"),
        "tensor_split": tensor_split(given),
        "projector": switch(given, "mmproj") or False,
        "gpu_memory_utilization": share(given, "gpu_memory_utilization"),
        "max_num_seqs": whole(given, "max_num_seqs", 1, 10**6),
        "max_num_batched_tokens": whole(given, "max_num_batched_tokens", 1, 10**8),
        "enforce_eager": switch(given, "enforce_eager") or False,
        "engine_version": str(given["engine_version"]) if "engine_version" in given else None,
    }


FIELDS: Final = frozenset(
    {
        *("model", "quantization", "engine", "engine_version", "context", "sequences"),
        *("gpu", "gpu_count", "tensor_parallel", "pipeline_parallel", "split_mode", "tensor_split"),
        *(
            "kv_cache_type",
            "kv_cache_type_k",
            "kv_cache_type_v",
            "gpu_layers",
            "n_cpu_moe",
            "ubatch",
            "batch_size",
        ),
        *("flash_attention", "kv_unified", "swa_full", "program", "enforce_eager"),
        *("gpu_memory_utilization", "max_num_seqs", "max_num_batched_tokens"),
        *("data_parallel", "data_parallel_attention", "expert_parallel", "reserved", "mmproj"),
        *("draft_model", "draft_quantization", "draft_gpu_layers", "mtp", "num_speculative_tokens"),
        *("max_loras", "max_lora_rank", "lora_targets"),
    }
)


def _refuse_unknown(given: Mapping[str, Any]) -> None:
    for name in given:
        if name not in FIELDS:
            raise BadValue("field", name, f"the fields are {', '.join(sorted(FIELDS))}")
    if "model" not in given:
        raise UserError("Name a model, for example mixtral-8x7b.", field="model")


def _kv_cache_types(given: Mapping[str, Any]) -> tuple[str, str]:
    """K and V, from "q8_0", from "q8_0/f16", or each by its own flag."""
    both = str(given.get("kv_cache_type", "auto")).lower().split("/")
    if len(both) > 2 or not all(both):
        raise BadValue(
            "kv_cache_type", given["kv_cache_type"], "give one type or two, such as q8_0 or q8_0/f16"
        )
    key, value = both[0], both[-1]
    return str(given.get("kv_cache_type_k", key)).lower(), str(given.get("kv_cache_type_v", value)).lower()


def _context(given: Mapping[str, Any], model: Model, assumptions: list[str]) -> int:
    context = whole(given, "context", 1, 2**31)
    if context is not None:
        return context
    default = min(DEFAULT_CONTEXT_TOKENS, model.context_tokens)
    assumptions.append(
        f"Context was not given: {tokens(default)} of the model's {tokens(model.context_tokens)}."
    )
    return default


def _quantization_said(found: Checkpoint, catalog: Catalog, assumptions: list[str]) -> str | None:
    """The quantization a repository's or file's name says."""
    if found.quantization is not None:
        if found.said:
            assumptions.append(f"{found.quantization.name}, as the name of the checkpoint says.")
        return found.quantization.id
    if found.said:
        return find_quantization(found.said, catalog).id  # says what is nearest, or what it could be
    stored = catalog.quantizations[found.model.native_quantization]
    if found.is_gguf and stored.format is not QuantizationFormat.GGUF:
        assumptions.append("The name says GGUF and no type: Q4_K_M, which llama.cpp takes by default.")
        return "Q4_K_M"
    return None


def _quantization_and_engine(
    given: Mapping[str, Any], model: Model, gpu: Gpu, catalog: Catalog, assumptions: list[str]
) -> tuple[Quantization, str]:
    """What was named; else the published precision, and the engine one would use for it."""
    named = find_engine(text(given, "engine"), catalog).id if "engine" in given else None
    if "quantization" not in given:
        quantization, engine = published(model, gpu, catalog, named)
        assumptions.append(f"Precision was not given: {quantization.name} in {engine}, as published.")
        return quantization, engine
    quantization = find_quantization(text(given, "quantization"), catalog)
    if named is not None:
        if named not in quantization.engines:
            runs = " or ".join(quantization.engines) or "no engine we know"
            raise Refused(
                catalog.engines[named].name, f"{quantization.name} is run by {runs}", field="quantization"
            )
        return quantization, named
    engine_id = engine_for(quantization, gpu) or next(iter(quantization.engines), None)
    if engine_id is None:
        raise Refused(quantization.name, "no engine we know runs it", field="quantization")
    assumptions.append(f"Engine was not given: {engine_id}.")
    return quantization, engine_id
