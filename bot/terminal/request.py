"""One `fit estimate`, from flags or from a line of JSON: names become rows, numbers are checked, gaps are filled."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.catalog.catalog import Catalog
from shared.catalog.checkpoints import Checkpoint, find_checkpoint
from shared.catalog.names import find_engine, find_gpu, find_quantization
from shared.catalog.rows import Gpu, Model, Quantization
from shared.errors import BadValue, Refused, UnknownName, UserError, shown
from shared.memory.workload import Workload
from shared.planner.case import DEFAULT_CONTEXT_TOKENS, MOST_GPUS, MOST_SEQUENCES
from shared.planner.engine_choice import engine_for, published
from shared.units import tokens

_COUNT: Final = re.compile(r"(\d{1,9})\s*([kKmM]?)", re.ASCII)
_FACTOR: Final = {"": 1, "k": 1024, "m": 1024**2}
_YES: Final = frozenset({"true", "on", "yes", "1"})
_NO: Final = frozenset({"false", "off", "no", "0"})
# Only the generation of the card an estimate without a GPU is made for matters; its memory is not held against it.
_REFERENCE_GPU: Final = "h100-80gb"


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateRequest:
    """What to estimate. `gpus` is empty for host memory only; `capacity_known` is False without a named GPU."""

    workload: Workload
    gpus: tuple[Gpu, ...]
    capacity_known: bool
    assumptions: tuple[str, ...]


def request_of(asked: Mapping[str, Any], catalog: Catalog) -> EstimateRequest:
    """The request these fields describe; None and left out mean the same.

    Raises:
        UserError: A name nobody knows, a number that cannot be, a field that is none.
    """
    given = {name: value for name, value in asked.items() if value is not None}
    _refuse_unknown(given)
    assumptions: list[str] = []
    found = find_checkpoint(_text(given, "model"), catalog)
    model = found.model
    if found.how == "assumed":
        assumptions.append(f"{shown(_text(given, 'model'))} is taken to have the shape of {model.name}.")
    if "quantization" not in given and (said := _quantization_said(found, assumptions)) is not None:
        given["quantization"] = said
    parallel = _whole(given, "tensor_parallel", 1, MOST_GPUS)
    stages = _whole(given, "pipeline_parallel", 1, MOST_GPUS)
    count = _gpu_count(given, parallel, stages)
    gpu = find_gpu(_text(given, "gpu"), catalog) if "gpu" in given else None
    reference = gpu or catalog.gpus[_REFERENCE_GPU]
    quantization, engine = _quantization_and_engine(given, model, reference, catalog, assumptions)
    gpu_layers = _whole(given, "gpu_layers", 0, 100_000)
    if gpu is None and gpu_layers != 0:
        assumptions.append("No GPU was named: nothing to hold the bytes against.")
    on_host = gpu is None and gpu_layers == 0
    sequences = _whole(given, "sequences", 1, MOST_SEQUENCES) or 1
    kv_k, kv_v = _kv_cache_types(given)
    servers = engine not in ("llama.cpp", "transformers")
    load = Workload(
        model=model,
        quantization=quantization,
        engine=engine,
        context_tokens=_context(given, model, assumptions),
        sequences=sequences,
        kv_cache_type_k=kv_k,
        kv_cache_type_v=kv_v,
        gpu_layers=gpu_layers,
        cpu_expert_layers=_whole(given, "n_cpu_moe", 0, 100_000) or 0,
        batch_tokens=_whole(given, "batch_size", 1, 10**7),
        ubatch_tokens=_whole(given, "ubatch", 1, 10**7),
        flash_attention=_switch(given, "flash_attention"),
        kv_unified=_switch(given, "kv_unified"),
        swa_full=_switch(given, "swa_full") or False,
        program=str(given.get("program", "llama-server")),
        split_mode=_one_of(given, "split_mode", ("layer", "row", "none"), "layer"),
        tensor_split=_tensor_split(given),
        tensor_parallel=parallel or (max(1, count // (stages or 1)) if servers else None),
        pipeline_parallel=stages,
        gpu_memory_utilization=_share(given, "gpu_memory_utilization"),
        max_num_seqs=_whole(given, "max_num_seqs", 1, 10**6),
        max_num_batched_tokens=_whole(given, "max_num_batched_tokens", 1, 10**8),
        enforce_eager=_switch(given, "enforce_eager") or False,
        engine_version=str(given["engine_version"]) if "engine_version" in given else None,
    )
    return EstimateRequest(
        workload=load,
        gpus=() if on_host else (reference,) * count,
        capacity_known=gpu is not None,
        assumptions=tuple(assumptions),
    )


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
    }
)


def _refuse_unknown(given: Mapping[str, Any]) -> None:
    for name in given:
        if name not in FIELDS:
            raise BadValue("field", name, f"the fields are {', '.join(sorted(FIELDS))}")
    if "model" not in given:
        raise UserError("Name a model, for example mixtral-8x7b.", field="model")


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given[name]
    if not isinstance(value, str):
        raise BadValue(name, value, "give a name in quotes")
    return value


def _whole(given: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    """A whole number, also as people write it: "32k"."""
    if name not in given:
        return None
    value = given[name]
    match = _COUNT.fullmatch(str(value).strip()) if not isinstance(value, bool) else None
    number = int(match[1]) * _FACTOR[match[2].lower()] if match else None
    if isinstance(value, float) and value.is_integer():
        number = int(value)
    if number is None or not least <= number <= most:
        raise BadValue(name, value, f"give a whole number from {least} to {most:,}")
    return number


def _share(given: Mapping[str, Any], name: str) -> float | None:
    if name not in given:
        return None
    try:
        value = float(given[name])
    except (TypeError, ValueError):
        value = 0.0
    if not 0 < value <= 1:
        raise BadValue(name, given[name], "give a share above 0 and up to 1, such as 0.9")
    return value


def _switch(given: Mapping[str, Any], name: str) -> bool | None:
    """True, false, or as llama.cpp writes it: "on", "off", "auto"."""
    value = given.get(name)
    if value is None or isinstance(value, bool):
        return value
    word = str(value).lower()
    if word == "auto":
        return None
    if word not in _YES | _NO:
        raise BadValue(name, value, "give true or false")
    return word in _YES


def _one_of(given: Mapping[str, Any], name: str, choices: tuple[str, ...], default: str) -> str:
    value = str(given.get(name, default))
    if value not in choices:
        raise BadValue(name, value, f"give {' or '.join(choices)}")
    return value


def _gpu_count(given: Mapping[str, Any], parallel: int | None, stages: int | None) -> int:
    """As said, or as many as the parallelism needs; both must agree."""
    needed = (parallel or 1) * (stages or 1)
    count = _whole(given, "gpu_count", 1, MOST_GPUS)
    if count is None:
        return needed
    if needed > 1 and count != needed:
        ways = f"tensor parallel {parallel or 1} times pipeline parallel {stages or 1} is {needed} GPUs"
        raise BadValue("gpu_count", count, ways)
    return count


def _kv_cache_types(given: Mapping[str, Any]) -> tuple[str, str]:
    """K and V, from "q8_0", from "q8_0/f16", or each by its own flag."""
    both = str(given.get("kv_cache_type", "auto")).lower().split("/")
    if len(both) > 2 or not all(both):
        raise BadValue(
            "kv_cache_type", given["kv_cache_type"], "give one type or two, such as q8_0 or q8_0/f16"
        )
    key, value = both[0], both[-1]
    return str(given.get("kv_cache_type_k", key)).lower(), str(given.get("kv_cache_type_v", value)).lower()


def _tensor_split(given: Mapping[str, Any]) -> tuple[int, ...]:
    """Shares per GPU: "3,1" or [3, 1]."""
    value = given.get("tensor_split", ())
    parts = value.split(",") if isinstance(value, str) else list(value)
    try:
        return tuple(int(part) for part in parts)
    except (TypeError, ValueError):
        raise BadValue("tensor_split", value, "give whole shares per GPU, such as 3,1") from None


def _context(given: Mapping[str, Any], model: Model, assumptions: list[str]) -> int:
    context = _whole(given, "context", 1, 2**31)
    if context is not None:
        return context
    default = min(DEFAULT_CONTEXT_TOKENS, model.context_tokens)
    assumptions.append(
        f"Context was not given: {tokens(default)} of the model's {tokens(model.context_tokens)}."
    )
    return default


def _quantization_said(found: Checkpoint, assumptions: list[str]) -> str | None:
    """The quantization a repository's or file's name says."""
    if found.quantization is not None:
        if found.said:
            assumptions.append(f"{found.quantization.name}, as the name of the checkpoint says.")
        return found.quantization.id
    if found.said:
        raise UnknownName("quantization", found.said)
    if found.is_gguf:
        assumptions.append("The name says GGUF and no type: Q4_K_M, which llama.cpp takes by default.")
        return "Q4_K_M"
    return None


def _quantization_and_engine(
    given: Mapping[str, Any], model: Model, gpu: Gpu, catalog: Catalog, assumptions: list[str]
) -> tuple[Quantization, str]:
    """What was named; else the published precision, and the engine one would use for it."""
    named = find_engine(_text(given, "engine"), catalog).id if "engine" in given else None
    if "quantization" not in given:
        quantization, engine = published(model, gpu, catalog, named)
        assumptions.append(f"Precision was not given: {quantization.name} in {engine}, as published.")
        return quantization, engine
    quantization = find_quantization(_text(given, "quantization"), catalog)
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
