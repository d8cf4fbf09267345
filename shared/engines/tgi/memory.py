"""How text-generation-inference spends GPU memory: a warm-up prefill, then nine tenths of the rest for the cache."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from shared.catalog.rows import Engine, Gpu, LayerKind, Model
from shared.engines.not_offered import refuse_not_offered
from shared.engines.process_memory import before_model
from shared.engines.server import check_load, parallel_sizes, refuse, refuse_context
from shared.engines.tgi.adapters import adapter_bytes, check_adapters
from shared.engines.tgi.settings import NATIVE, SERVER, cache_element_bytes, refuse_model
from shared.engines.versions import at_version
from shared.errors import BadValue
from shared.memory.breakdown import Breakdown, DeviceMemory, ServerCapacity
from shared.memory.cache_rows import cache_row_bytes
from shared.memory.checkpoint import checkpoint_bytes, scheme
from shared.memory.forward import experts_workspace_bytes, forward_bytes
from shared.memory.server_weights import stages
from shared.memory.split import Split
from shared.memory.workload import Workload
from shared.units import MIB

_FRACTION_STEPS = 1000
_LOGIT_BYTES = 6  # 16-bit logits and their fp32 copy, of the last token of each warmed-up sequence
_WEIGHTS_ERROR = 0.02
_OTHER_ERROR = 0.5
_UNSEEN_ADAPTERS = 200 * MIB  # buffers of their kernels; no log prints them
_OFFERED = frozenset({"adapters"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rank:
    device: DeviceMemory
    usable_bytes: int
    budget_bytes: int
    row_bytes: int

    @property
    def pool_bytes(self) -> int:
        held = self.device.weights_bytes + self.device.activation_bytes + self.device.overhead_bytes
        return self.budget_bytes - held


def memory(workload: Workload, gpus: Sequence[Gpu], facts: Engine) -> Breakdown:
    """Where every byte goes when text-generation-inference serves this workload. None of it has been measured.

    KV pool = free after the warm-up prefill - (1 - fraction x wiggle room) x total:
    server/text_generation_server/models/flash_causal_lm.py (`warmup`), utils/import_utils.py (`get_cuda_free_memory`).

    Raises:
        Refused: The server would not start this; the sentence says what would.
        Unsupported: We have no rule for this model or GPU.
        BadValue: A setting the launcher does not take.
    """
    check_load(workload)
    tensor, pipeline = parallel_sizes(SERVER, workload, len(gpus))
    refuse_model(workload.model, workload.quantization, tensor, pipeline)
    refuse_not_offered(SERVER.name, workload, offered=_OFFERED)
    if workload.adapters is not None:
        check_adapters(workload.adapters, workload.model)
    refuse(SERVER, workload.model, workload.quantization, gpus, Split.even(tensor), pipeline)
    refuse_context(SERVER, workload.model, workload.context_tokens)
    version = workload.engine_version or facts.version
    first = _rank(workload, gpus[0], facts, version, tensor)  # most servers have one kind of card
    ranks = [
        first if gpu is gpus[0] else _rank(workload, gpu, facts, version, tensor) for gpu in gpus[:tensor]
    ]
    idle = (DeviceMemory(),) * (len(gpus) - len(ranks))
    return Breakdown(
        engine=workload.engine,
        engine_version=version,
        model_file_bytes=checkpoint_bytes(workload.model, workload.quantization),
        per_gpu=tuple(rank.device for rank in ranks) + idle,
        host=DeviceMemory(),
        server=_capacity(workload, ranks, facts, version),
        assumptions=_assumptions(workload, version),
        warnings=(f"{len(idle)} GPUs stay idle with this --num-shard.",) if idle else (),
        evidence="none",
    )


def _rank(workload: Workload, gpu: Gpu, facts: Engine, version: str, tensor: int) -> _Rank:
    model, shape = workload.model, workload.model.shape
    stage = stages(model, workload.quantization, Split.even(tensor), 1)[0]
    before, before_error = before_model(gpu, tensor, facts, version)
    element = scheme(model, workload.quantization).plain_bytes
    prefill = workload.max_num_batched_tokens or int(at_version(facts, "prefill_tokens", version).value)
    activation = forward_bytes(shape, prefill, tensor, element)
    activation += (
        experts_workspace_bytes(shape, prefill, tensor, element) + shape.vocabulary_size * _LOGIT_BYTES
    )
    graphs = 0 if workload.enforce_eager else _graph_bytes(model, facts, version)
    row = token_bytes(model, tensor, cache_element_bytes(workload))
    share = _fraction(workload, facts, version) * at_version(facts, "wiggle_room", version).value
    error = math.hypot(
        stage.weights_bytes * _WEIGHTS_ERROR,
        activation * _OTHER_ERROR,
        graphs * _OTHER_ERROR,
        before_error,
        _UNSEEN_ADAPTERS if workload.adapters else 0,
    )
    adapters = adapter_bytes(workload.adapters, model, tensor, element) if workload.adapters else 0
    device = DeviceMemory(
        weights_bytes=stage.weights_bytes + adapters,
        kv_cache_bytes=workload.sequences * workload.context_tokens * row,
        compute_bytes=activation + graphs,
        overhead_bytes=before,
        activation_bytes=activation,
        cuda_graph_bytes=graphs,
        adapter_bytes=adapters,
        tower_bytes=stage.tower_bytes,
        uncertainty_bytes=round(error),
    )
    return _Rank(
        device=device,
        usable_bytes=gpu.memory_usable_bytes,
        budget_bytes=int(gpu.memory_usable_bytes * share),
        row_bytes=row,
    )


@lru_cache(maxsize=4096)
def token_bytes(model: Model, tensor: int, element_bytes: int) -> int:
    """KV cache of one token on one shard. Windowed layers keep every token, and latent ones whole keys and values.

    server/text_generation_server/models/__init__.py: DeepSeek's heads are padded to the wider of keys and values.
    """
    shape = model.shape
    total = 0
    for layer, kind in enumerate(shape.layer_kinds()):
        if kind is LayerKind.LATENT and shape.latent is not None and shape.attention is not None:
            latent = shape.latent
            width = max(latent.nope_head_dim + latent.rope_head_dim, latent.value_head_dim)
            total += max(1, shape.attention.heads // tensor) * 2 * width * element_bytes
        else:
            total += cache_row_bytes(shape, layer, kind, tensor, element_bytes)
    return total


def _graph_bytes(model: Model, facts: Engine, version: str) -> int:
    per_size = at_version(facts, "graph_mib_per_size", version).value
    per_size += at_version(facts, "graph_mib_per_size_and_layer", version).value * model.shape.layers
    return round(at_version(facts, "graph_sizes", version).value * per_size * MIB)


def _fraction(workload: Workload, facts: Engine, version: str) -> float:
    given = workload.gpu_memory_utilization
    if given is None:
        return at_version(facts, "default_fraction", version).value
    if not 0 < given <= 1:
        raise BadValue("cuda_memory_fraction", given, "give a fraction above 0 and at most 1")
    return given


def _capacity(workload: Workload, ranks: Sequence[_Rank], facts: Engine, version: str) -> ServerCapacity:
    ranks = tuple({id(rank): rank for rank in ranks}.values())
    fewest = min(ranks, key=lambda rank: rank.pool_bytes)
    tokens = max(0, fewest.pool_bytes) // fewest.row_bytes
    wiggle = at_version(facts, "wiggle_room", version).value
    steps = 0
    for rank in ranks:
        inside = rank.device.total_bytes - rank.device.cuda_graph_bytes
        room = rank.usable_bytes * wiggle
        steps = max(steps, math.ceil(inside * _FRACTION_STEPS / room) if room else _FRACTION_STEPS + 1)
    return ServerCapacity(
        budget_bytes=fewest.budget_bytes,
        kv_pool_bytes=fewest.pool_bytes,
        kv_pool_tokens=tokens,
        max_concurrency=tokens / workload.context_tokens,
        starts=tokens >= workload.context_tokens,
        smallest_utilization=steps / _FRACTION_STEPS if steps <= _FRACTION_STEPS else None,
    )


def _assumptions(workload: Workload, version: str) -> tuple[str, ...]:
    model = workload.model
    lines = [f"TGI {version} (in maintenance); no measured run stands behind these numbers."]
    if model.shape.architecture not in NATIVE:
        lines.append(f"{model.name} runs through TGI's transformers fallback.")
    if workload.adapters is not None:
        lines.append(f"{workload.adapters.count} adapters of rank {workload.adapters.rank}, loaded at start.")
    return tuple(lines)
