"""The cases that peers are asked: those of the vLLM study, and llama.cpp's recorded whole offloads."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.accuracy.peers.config_json import config_json
from benchmarks.accuracy.server_runs import study
from shared.catalog.catalog import Catalog
from shared.catalog.rows import Model, Quantization
from shared.estimator import estimate
from shared.memory.checkpoint import scheme
from shared.memory.tensors import inventory
from shared.memory.workload import Workload
from tests.shared.engines.llama_cpp.reference import Case, cases

_NEWER: Final = "0.7.0"  # llama.cpp's recording of two versions: weights and caches are the same in both
_BATCHED_TOKENS: Final = 8192  # vLLM's default on an H100
_DTYPES: Final = {"FP8": "F8_E4M3", "INT8": "I8", "GPTQ": "I32"}
_PACKED: Final = {"I32": 8}  # weights in one stored element


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a peer is asked, in what its hub would have told it.

    Attributes:
        stored: Elements of the checkpoint by safetensors type; empty for GGUF files.
        file_bytes: Size of the weights as stored.
        online: vLLM quantizes these weights itself while it loads 16-bit ones.
        gguf: The keys of a GGUF header, without the architecture's prefix; empty for checkpoints.
        ubatch_tokens: This and what follows is llama.cpp's.
    """

    id: str
    engine: str
    repo: str
    quantization: str
    online: bool
    config: dict[str, Any]
    stored: dict[str, int]
    parameters: int
    active_parameters: int
    file_bytes: int
    tensor_parallel: int
    pipeline_parallel: int
    context_tokens: int
    kv_type: str
    batched_tokens: int
    gguf: dict[str, int]
    ubatch_tokens: int = 0
    sequences: int = 1
    flash_attention: bool = False
    swa_full: bool = False


def questions(catalog: Catalog) -> Iterator[Question]:
    """One per run of the study, and one per whole offload of llama.cpp's recording."""
    for run in study(catalog):
        yield _of_workload(run.name, run.workload, run.repo, _size(run.workload, run.gpus, catalog))
    asked: set[str] = set()
    for case in offloads():
        name = recorded_name(case)
        if name not in asked:
            asked.add(name)
            size = _size(case.workload, case.gpus, catalog)
            yield _of_workload(name, case.workload, case.workload.model.repo_id, size)


def offloads() -> Iterator[Case]:
    """The recorded allocations of one device that holds all layers, with one type of cache."""
    for case in cases():
        same = case.workload.kv_cache_type_k == case.workload.kv_cache_type_v
        if case.placement == "offload" and not case.error and case.version == _NEWER and same:
            yield case


def recorded_name(case: Case) -> str:
    """What is asked of a recorded case, in words."""
    asked = case.workload
    name = f"{asked.model.id} {asked.quantization.id} {asked.context_tokens} {asked.kv_cache_type_k}"
    name += f" ub {asked.ubatch_tokens} np {asked.sequences} fa {'off' if asked.flash_attention is False else 'on'}"
    return name + (" swa-full" if asked.swa_full else "")


def _size(workload: Workload, gpus: Any, catalog: Catalog) -> int:
    return estimate(workload, gpus, catalog).breakdown.model_file_bytes


def _of_workload(name: str, workload: Workload, repo: str, file_bytes: int) -> Question:
    model, quantization = workload.model, workload.quantization
    server = workload.engine == "vllm"
    online = server and repo == model.repo_id and quantization.id not in ("BF16", "F16", "F32")
    native = quantization if server and not online else None
    return Question(
        id=name,
        engine=workload.engine,
        repo=repo,
        quantization=quantization.id,
        online=online,
        config=config_json(model, quantization),
        stored=_stored(model, native) if native is not None else {},
        parameters=model.parameters,
        active_parameters=model.active_parameters,
        file_bytes=file_bytes,
        tensor_parallel=workload.tensor_parallel or 1,
        pipeline_parallel=workload.pipeline_parallel or 1,
        context_tokens=workload.context_tokens,
        kv_type=workload.kv_cache_type_k,
        batched_tokens=_BATCHED_TOKENS,
        gguf={} if server else _gguf(model, workload.context_tokens),
        ubatch_tokens=workload.ubatch_tokens or 0,
        sequences=workload.sequences,
        flash_attention=workload.flash_attention is not False,
        swa_full=workload.swa_full,
    )


def _stored(model: Model, quantization: Quantization) -> dict[str, int]:
    """Elements of the checkpoint by safetensors type."""
    plain = {"F16": "F16", "F32": "F32"}.get(quantization.id, "BF16")
    how, tensors = scheme(model, quantization), inventory(model.shape)
    everything = [(1, tensor) for tensor in tensors.model]
    everything += [(len(group.layers), tensor) for group in tensors.groups for tensor in group.tensors]
    everything += [(tensors.mtp_layers, tensor) for tensor in tensors.mtp]
    found = {plain: sum(tower.parameters for tower in model.towers)}
    for times, tensor in everything:
        packed = how.quantizes(tensor.role, vector=tensor.is_vector or tensor.bias)
        dtype = _DTYPES[quantization.id] if packed else plain
        found[dtype] = found.get(dtype, 0) + times * tensor.parameters // _PACKED.get(dtype, 1)
    return found


def _gguf(model: Model, context_tokens: int) -> dict[str, int]:
    attention = model.shape.attention
    assert attention is not None
    latent = model.shape.latent is not None  # such files say one head
    return {
        "block_count": model.shape.layers,
        "head_count": attention.heads,
        "head_count_kv": 1 if latent else attention.kv_heads,
        "embedding_length": model.shape.hidden_size,
        "context_length": context_tokens,
    }
