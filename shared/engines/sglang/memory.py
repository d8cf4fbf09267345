"""How SGLang spends GPU memory: a static share for weights and KV pool, the rest for graphs and activations."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from shared.catalog.rows import Engine, Gpu
from shared.engines.process_memory import before_model
from shared.engines.server import check_load, parallel_sizes, refuse, refuse_context
from shared.engines.sglang.cache_type import cache_element_bytes
from shared.engines.sglang.pool import Pool, pool
from shared.engines.sglang.settings import SERVER, Defaults, defaults
from shared.errors import BadValue
from shared.memory.breakdown import Breakdown, DeviceMemory, ServerCapacity
from shared.memory.checkpoint import checkpoint_bytes, scheme
from shared.memory.forward import experts_workspace_bytes, forward_bytes
from shared.memory.server_weights import Stage, stages
from shared.memory.workload import Workload

_FRACTION_STEPS = 1000  # --mem-fraction-static is printed and suggested to three decimals
_LOGIT_BYTES = 6  # 16-bit logits and their fp32 copy
_WEIGHTS_ERROR = 0.02
_ACTIVATION_ERROR = 0.5
_GRAPHS_ERROR = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rank:
    device: DeviceMemory
    free_bytes: int  # before the weights are loaded
    budget_bytes: int
    pool: Pool

    @property
    def pool_bytes(self) -> int:
        return self.budget_bytes - self.device.weights_bytes


def memory(workload: Workload, gpus: Sequence[Gpu], facts: Engine) -> Breakdown:
    """Where every byte goes when SGLang serves this workload.

    KV pool = fraction x (free before loading) - weights: sglang/srt/mem_cache/kv_cache_configurator.py of 0.5.23
    (`_profile_available_bytes`). Graphs and activations live in the rest; they are reckoned, not measured.

    Raises:
        Refused: SGLang would not start this; the sentence says what would.
        Unsupported: We have no rule for this model or GPU.
        BadValue: A setting SGLang does not take.
    """
    check_load(workload)
    tensor, pipeline = parallel_sizes(SERVER, workload, len(gpus))
    refuse(SERVER, workload.model, workload.quantization, gpus, (tensor, pipeline))
    refuse_context(SERVER, workload.model, workload.context_tokens)
    version = workload.engine_version or facts.version
    ranks: list[_Rank] = []
    for index in range(tensor * pipeline):
        stage = stages(workload.model, workload.quantization, tensor, pipeline)[index // tensor]
        same = index % tensor and gpus[index] is gpus[index - 1]
        ranks.append(
            ranks[-1] if same else _rank(workload, stage, gpus[index], facts, version, (tensor, pipeline))
        )
    idle = (DeviceMemory(),) * (len(gpus) - len(ranks))
    return Breakdown(
        engine=workload.engine,
        engine_version=version,
        model_file_bytes=checkpoint_bytes(workload.model, workload.quantization),
        per_gpu=tuple(rank.device for rank in ranks) + idle,
        host=DeviceMemory(),
        server=_capacity(workload, ranks),
        assumptions=_assumptions(workload, ranks, version),
        warnings=_warnings(idle),
        evidence="derived",
    )


def _rank(
    workload: Workload, stage: Stage, gpu: Gpu, facts: Engine, version: str, sizes: tuple[int, int]
) -> _Rank:
    """One rank of a stage on this GPU."""
    tensor, pipeline = sizes
    settings = defaults(workload.model, gpu, tensor, pipeline, facts, version)
    before, before_error = before_model(gpu, tensor * pipeline, facts, version)
    blackwell = gpu.architecture.startswith("Blackwell")
    element = cache_element_bytes(workload, blackwell=blackwell)
    rows = pool(workload.model, stage.layers, tensor, element, facts, version)
    graphs = 0 if workload.enforce_eager else settings.graph_bytes
    activation = _activation(workload, settings, tensor)
    free = max(0, gpu.memory_usable_bytes - before)
    error = math.hypot(
        stage.weights_bytes * _WEIGHTS_ERROR,
        activation * _ACTIVATION_ERROR,
        graphs * _GRAPHS_ERROR,
        before_error,
    )
    device = DeviceMemory(
        weights_bytes=stage.weights_bytes,
        kv_cache_bytes=rows.cache_bytes(workload.sequences * workload.context_tokens, workload.sequences),
        compute_bytes=activation + graphs,
        overhead_bytes=before,
        activation_bytes=activation,
        cuda_graph_bytes=graphs,
        uncertainty_bytes=round(error),
    )
    return _Rank(
        device=device, free_bytes=free, budget_bytes=int(free * _fraction(workload, settings)), pool=rows
    )


def _fraction(workload: Workload, settings: Defaults) -> float:
    given = workload.gpu_memory_utilization
    if given is None:
        return settings.fraction
    if not 0 < given < 1:
        raise BadValue("mem_fraction_static", given, "give a fraction above 0 and below 1")
    return given


def _activation(workload: Workload, settings: Defaults, tensor: int) -> int:
    """One prefill chunk through the widest layer, and the logits of the largest decode batch."""
    shape = workload.model.shape
    tokens = workload.max_num_batched_tokens or settings.chunk_tokens
    element = scheme(workload.model, workload.quantization).plain_bytes
    sampled = min(workload.max_num_seqs or settings.decode_batch, settings.decode_batch)
    logits = sampled * shape.vocabulary_size * _LOGIT_BYTES
    layer = forward_bytes(shape, tokens, tensor, element)
    return max(layer + experts_workspace_bytes(shape, tokens, tensor, element), logits)


def _capacity(workload: Workload, ranks: Sequence[_Rank]) -> ServerCapacity:
    """The rank whose pool holds the fewest tokens decides."""
    fewest = min(ranks, key=lambda rank: rank.pool.tokens(rank.pool_bytes))
    tokens = fewest.pool.tokens(fewest.pool_bytes)
    one = [rank.pool.cache_bytes(workload.context_tokens, 1) for rank in ranks]
    return ServerCapacity(
        budget_bytes=fewest.budget_bytes,
        kv_pool_bytes=min(rank.pool_bytes for rank in ranks),
        kv_pool_tokens=tokens,
        max_concurrency=tokens / workload.context_tokens,
        starts=all(0 <= need <= rank.pool_bytes for need, rank in zip(one, ranks, strict=True)),
        smallest_utilization=_smallest_fraction(ranks),
    )


def _smallest_fraction(ranks: Sequence[_Rank]) -> float | None:
    """The smallest fraction, to three decimals, at which the load has room and graphs and activations have too."""
    if any(rank.free_bytes == 0 for rank in ranks):
        return None
    steps = max(
        -(-(rank.device.weights_bytes + rank.device.kv_cache_bytes) * _FRACTION_STEPS // rank.free_bytes)
        for rank in ranks
    )
    for rank in ranks:
        if steps * rank.free_bytes > (rank.free_bytes - rank.device.compute_bytes) * _FRACTION_STEPS:
            return None
    return steps / _FRACTION_STEPS


def _assumptions(workload: Workload, ranks: Sequence[_Rank], version: str) -> tuple[str, ...]:
    rank = ranks[0]
    share = rank.budget_bytes / rank.free_bytes if rank.free_bytes else 0
    lines = [
        f"SGLang {version} with --mem-fraction-static {share:.3f}.",
        "Graphs and activations are reckoned by SGLang's own rule of thumb; no log of an NVIDIA GPU prints them.",
    ]
    if workload.model.towers:
        lines.append("SGLang keeps back a little more for vision towers than this.")
    return tuple(lines)


def _warnings(idle: Sequence[DeviceMemory]) -> tuple[str, ...]:
    return (f"{len(idle)} GPUs stay idle with these parallel sizes.",) if idle else ()
