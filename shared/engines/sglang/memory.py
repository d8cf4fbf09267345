"""How SGLang spends GPU memory: a static share for weights and KV pool, the rest for graphs and activations."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.catalog.rows import Engine, Gpu
from shared.engines.not_offered import refuse_not_offered
from shared.engines.process_memory import before_model
from shared.engines.server import Parallel, check_load, parallel, refuse, refuse_context
from shared.engines.sglang.adapters import adapter_bytes, check_adapters
from shared.engines.sglang.cache_type import cache_element_bytes
from shared.engines.sglang.pool import Pool, pool
from shared.engines.sglang.settings import SERVER, Defaults, defaults
from shared.engines.sglang.speculation import check_speculation, draft_bytes, draft_layers, rows_per_sequence
from shared.errors import BadValue, Refused
from shared.memory.breakdown import Breakdown, DeviceMemory, ServerCapacity
from shared.memory.checkpoint import checkpoint_bytes, scheme
from shared.memory.forward import experts_workspace_bytes, forward_bytes
from shared.memory.server_weights import Stage, stages
from shared.memory.split import Split, sglang_split
from shared.memory.workload import Workload
from shared.units import MIB, ceil_div

_FRACTION_STEPS = 1000  # --mem-fraction-static is printed and suggested to three decimals
_LOGIT_BYTES = 6  # 16-bit logits and their fp32 copy
_WEIGHTS_ERROR = 0.02
_ACTIVATION_ERROR = 0.5
_GRAPHS_ERROR = 0.5
_UNSEEN_EXCHANGE = 1024 * MIB
_PADDING_ERROR = 0.25  # SGLang keeps it back; how much of it is used no log says
_UNSEEN_ADAPTERS = 200 * MIB
_UNSEEN_DRAFTER = 1536 * MIB  # its graphs took 0.8 to 1.2 GiB in logs of Ascend NPUs
_OFFERED = frozenset(
    {"data_parallel", "data_parallel_attention", "expert_parallel", "adapters", "speculation"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rank:
    device: DeviceMemory
    free_bytes: int  # before the weights are loaded
    budget_bytes: int
    pool: Pool

    @property
    def pool_bytes(self) -> int:
        return self.budget_bytes - self.device.weights_bytes  # adapters' buffers are made before the pool too


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
    refuse_not_offered(SERVER.name, workload, offered=_OFFERED)
    spread = parallel(SERVER, workload, len(gpus))
    split = split_of(workload, spread)
    refuse(SERVER, workload.model, workload.quantization, gpus, split, spread.pipeline)
    refuse_context(SERVER, workload.model, workload.context_tokens)
    check_speculation(workload, split, spread.pipeline)
    version = workload.engine_version or facts.version
    per_stage = stages(workload.model, workload.quantization, split, spread.pipeline)
    ranks: list[_Rank] = []
    for index, gpu in enumerate(gpus[: spread.ranks]):
        stage = per_stage[index % spread.engine_ranks // spread.tensor]
        same = index % spread.tensor and gpu is gpus[index - 1]
        ranks.append(ranks[-1] if same else _rank(workload, stage, split, gpu, facts, version, spread))
    idle = (DeviceMemory(),) * (len(gpus) - len(ranks))
    return Breakdown(
        engine=workload.engine,
        engine_version=version,
        model_file_bytes=checkpoint_bytes(workload.model, workload.quantization),
        per_gpu=tuple(rank.device for rank in ranks) + idle,
        host=DeviceMemory(),
        server=_capacity(workload, ranks, spread.caches),
        assumptions=(*_assumptions(workload, ranks, version), *_beside(workload, spread)),
        warnings=_warnings(idle),
        evidence="derived",
    )


def split_of(workload: Workload, spread: Parallel) -> Split:
    """What each rank holds of every layer.

    Raises:
        Refused: Expert parallel that does not divide tensor parallel or the experts.
    """
    experts, ranks = workload.model.shape.experts, workload.expert_parallel or 1
    if experts is not None and (ranks < 1 or spread.tensor % ranks or experts.total % ranks):
        raise Refused(
            SERVER.name,
            f"--ep-size {ranks} does not divide tensor parallel {spread.tensor} and {experts.total} experts",
            field="expert_parallel",
        )
    return sglang_split(workload.model.shape, spread.tensor, ranks, spread.attention_data)


def _rank(
    workload: Workload, stage: Stage, split: Split, gpu: Gpu, facts: Engine, version: str, spread: Parallel
) -> _Rank:
    """One rank of a stage on this GPU."""
    settings = defaults(workload.model, gpu, spread, facts, version)
    before, before_error = before_model(gpu, spread.engine_ranks, facts, version)
    blackwell = gpu.architecture.startswith("Blackwell")
    element = cache_element_bytes(workload, blackwell=blackwell)
    drafting = draft_layers(workload) if stage.last else 0
    rows = pool(workload.model, stage.layers, split.attention, element, facts, version, drafting)
    draft = draft_bytes(workload, stage, split)
    adapters = _adapter_bytes(workload, stage, split)
    sequences = ceil_div(workload.sequences, spread.caches)
    graphs = 0 if workload.enforce_eager else settings.graph_bytes
    activation = _activation(workload, settings, split, spread.attention_data)
    free = max(0, gpu.memory_usable_bytes - before)
    error = math.hypot(
        stage.weights_bytes * _WEIGHTS_ERROR,
        activation * _ACTIVATION_ERROR,
        graphs * _GRAPHS_ERROR,
        before_error,
        _unseen(workload, spread),
        settings.padding_bytes * _PADDING_ERROR,
    )
    device = DeviceMemory(
        weights_bytes=stage.weights_bytes + adapters + draft,
        kv_cache_bytes=rows.cache_bytes(sequences * workload.context_tokens, sequences),
        compute_bytes=activation + graphs,
        overhead_bytes=before,
        activation_bytes=activation,
        cuda_graph_bytes=graphs,
        adapter_bytes=adapters,
        draft_bytes=draft,
        tower_bytes=stage.tower_bytes,
        uncertainty_bytes=round(error),
    )
    return _Rank(
        device=device, free_bytes=free, budget_bytes=int(free * _fraction(workload, settings)), pool=rows
    )


def _adapter_bytes(workload: Workload, stage: Stage, split: Split) -> int:
    if workload.adapters is None:
        return 0
    check_adapters(workload.adapters)
    element = scheme(workload.model, workload.quantization).plain_bytes
    return adapter_bytes(workload.adapters, workload.model.shape, stage.layers, split, element)


def _unseen(workload: Workload, spread: Parallel) -> float:
    """What no run on an NVIDIA GPU shows: dispatch buffers of experts and of attention's groups, adapters' kernels."""
    several = spread.attention_data > 1 or (workload.expert_parallel or 1) > 1
    return math.hypot(
        _UNSEEN_EXCHANGE if several else 0,
        _UNSEEN_ADAPTERS if workload.adapters else 0,
        _UNSEEN_DRAFTER if workload.speculation else 0,
    )


def _fraction(workload: Workload, settings: Defaults) -> float:
    given = workload.gpu_memory_utilization
    if given is None:
        return settings.fraction
    if not 0 < given < 1:
        raise BadValue("mem_fraction_static", given, "give a fraction above 0 and below 1")
    return given


def _activation(workload: Workload, settings: Defaults, split: Split, groups: int) -> int:
    """One prefill chunk through the widest layer, and the logits of the largest decode batch.

    Experts work on the chunks of all groups of data-parallel attention, which together are one whole chunk.
    """
    shape = workload.model.shape
    tokens = workload.max_num_batched_tokens or settings.chunk_tokens * groups
    element = scheme(workload.model, workload.quantization).plain_bytes
    sampled = min(workload.max_num_seqs or settings.decode_batch, settings.decode_batch)
    rows = sampled * rows_per_sequence(workload)
    logits = 0 if shape.kind == "embedding" else rows * shape.vocabulary_size * _LOGIT_BYTES
    layer = forward_bytes(shape, ceil_div(tokens, groups), split.attention, element)
    return max(layer + experts_workspace_bytes(shape, tokens, split.experts, element), logits)


def _capacity(workload: Workload, ranks: Sequence[_Rank], caches: int) -> ServerCapacity:
    """The rank whose pool holds the fewest tokens decides; tokens and concurrency are of all `caches` together."""
    ranks = tuple({id(rank): rank for rank in ranks}.values())  # most are one and the same
    # a pipeline stage whose layers keep no token does not limit how many there may be
    keeping = [rank for rank in ranks if rank.pool.keeps_tokens] or ranks
    fewest = min(keeping, key=lambda rank: rank.pool.tokens(rank.pool_bytes))
    tokens = fewest.pool.tokens(fewest.pool_bytes)
    one = [rank.pool.cache_bytes(workload.context_tokens, 1) for rank in ranks]
    return ServerCapacity(
        budget_bytes=fewest.budget_bytes,
        kv_pool_bytes=min(rank.pool_bytes for rank in ranks),
        kv_pool_tokens=tokens * caches,
        max_concurrency=tokens * caches / workload.context_tokens,
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


def _beside(workload: Workload, spread: Parallel) -> Iterator[str]:
    if spread.caches > 1:
        where = "engines" if spread.data > 1 else "groups of ranks"
        yield f"{spread.caches} {where}, each with a KV cache of its own; tokens and concurrency are of all of them."
    if workload.adapters is not None:
        yield f"Buffers for {workload.adapters.count} adapters of rank {workload.adapters.rank}, filled or not."
    if workload.speculation is not None:
        who = workload.speculation.draft.name if workload.speculation.draft else "its own MTP layers"
        yield f"Guessed ahead of each sequence: {workload.speculation.tokens} by {who}."
    if _unseen(workload, spread):
        yield "No run on an NVIDIA GPU prints this way of running, so the interval is wider."
    if (workload.expert_parallel or 1) > 1:
        yield "No redundant experts, and none of the copies --moe-a2a-backend deepep keeps."


def _warnings(idle: Sequence[DeviceMemory]) -> tuple[str, ...]:
    return (f"{len(idle)} GPUs stay idle with these parallel sizes.",) if idle else ()
