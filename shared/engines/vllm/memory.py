"""How vLLM spends GPU memory: budget, weights, profiled peak, and what is left for the KV cache."""

from collections.abc import Sequence

from shared.catalog.rows import Engine, Gpu, QuantizationFormat
from shared.engines.not_offered import refuse_not_offered
from shared.engines.server import refuse, refuse_context
from shared.engines.versions import version_key
from shared.engines.vllm.adapters import check_adapters
from shared.engines.vllm.notes import assumptions, warnings
from shared.engines.vllm.rank import Rank, rank_on
from shared.engines.vllm.rules import Rules, rules_at
from shared.engines.vllm.run import SERVER, Run, resolve, split_of
from shared.engines.vllm.speculation import check_speculation
from shared.engines.vllm.uncertainty import evidence
from shared.errors import Refused
from shared.memory.breakdown import Breakdown, DeviceMemory, ServerCapacity
from shared.memory.checkpoint import checkpoint_bytes
from shared.memory.server_weights import stages
from shared.memory.workload import Workload
from shared.units import gib

_OFFERED = frozenset({"data_parallel", "expert_parallel", "speculation", "adapters"})
_NO_BITSANDBYTES = (0, 33)  # the wheel of 0.25.1 has it, that of 0.33.0 not; those between were not looked at
_WITH_COMPRESSED = (0, 20)  # DeepseekV4ForCausalLM
_SPARSE_KERNELS = (9, 0)
_UTILIZATION_STEPS = 10_000  # utilizations are given to four decimals, rounded up


def memory(workload: Workload, gpus: Sequence[Gpu], facts: Engine) -> Breakdown:
    """Where every byte goes when vLLM serves this workload.

    KV pool = utilization x CUDA total - weights - activation peak - growth outside PyTorch (- CUDA graphs since 0.20):
    vllm/v1/worker/gpu_worker.py (`determine_available_memory`). `kv_cache_bytes` is what the asked load needs of it.

    Raises:
        Refused: vLLM would not start this; the sentence says what would.
        Unsupported: We have no rule for this model or GPU.
        BadValue: A setting vLLM does not take.
    """
    rules = rules_at(facts, workload.engine_version)
    run = resolve(workload, gpus, rules)
    _refuse(workload, gpus, run, rules)
    ranks = _ranks(workload, gpus, run, facts, rules)
    idle = (DeviceMemory(),) * (len(gpus) - len(ranks))
    return Breakdown(
        engine=workload.engine,
        engine_version=rules.version,
        model_file_bytes=checkpoint_bytes(workload.model, workload.quantization),
        per_gpu=tuple(rank.device for rank in ranks) + idle,
        host=DeviceMemory(),
        server=_capacity(run, ranks, rules, idle=len(idle)),
        assumptions=assumptions(workload, run, rules, facts),
        warnings=(*_start_warning(run, ranks), *warnings(workload, gpus, run)),
        evidence=evidence(workload, rules.version),
    )


def _refuse(workload: Workload, gpus: Sequence[Gpu], run: Run, rules: Rules) -> None:
    """Raise where vLLM would not start."""
    is_bitsandbytes = workload.quantization.format is QuantizationFormat.BITSANDBYTES
    if is_bitsandbytes and version_key(rules.version) >= _NO_BITSANDBYTES:
        reason = f"{rules.version} has no bitsandbytes any more; SGLang and transformers have"
        raise Refused(SERVER.name, reason, field="quantization")
    if workload.model.shape.compressed is not None:
        _refuse_compressed(workload, gpus, rules)
    split = split_of(workload, run.batch, 0)
    refuse_not_offered(SERVER.name, workload, offered=_OFFERED)
    refuse(SERVER, workload.model, workload.quantization, gpus, split, run.batch.pipeline_parallel)
    refuse_context(SERVER, workload.model, run.context_tokens)
    check_speculation(workload, split)
    if workload.adapters is not None:
        check_adapters(workload.adapters, workload.model.shape)


def _refuse_compressed(workload: Workload, gpus: Sequence[Gpu], rules: Rules) -> None:
    """Raise where there is no attention over compressed tokens: before 0.20, and on cards without its kernels.

    FlashMLASparseBackend of vllm/v1/attention/backends/mla/flashmla_sparse.py, which 0.22 takes for DeepSeek V4 alone.
    """
    if version_key(rules.version) < _WITH_COMPRESSED:
        reason = f"{rules.version} does not know {workload.model.name}; 0.20 and newer do"
        raise Refused(SERVER.name, reason, field="engine_version")
    for gpu in gpus:
        if gpu.compute_capability is not None and gpu.compute_capability < _SPARSE_KERNELS:
            reason = f"{gpu.name} has no kernels of sparse attention, which {workload.model.name} takes; Hopper has"
            raise Refused(SERVER.name, reason, field="gpu")


def _ranks(workload: Workload, gpus: Sequence[Gpu], run: Run, facts: Engine, rules: Rules) -> list[Rank]:
    """Every rank of every engine on its GPU; ranks that hold the same on the same card are reckoned once."""
    batch, spread = run.batch, run.spread
    split = split_of(workload, batch, 0)
    if spread.pipeline == 1 and not batch.expert_parallel and all(gpu is gpus[0] for gpu in gpus):
        only = stages(workload.model, workload.quantization, split, 1)[0]
        return [rank_on(workload, run, only, split, gpus[0], facts, rules)] * spread.ranks
    known: dict[tuple[int, int | None, int], Rank] = {}
    ranks = []
    for index, gpu in enumerate(gpus[: spread.ranks]):
        engine, within = divmod(index, spread.engine_ranks)
        stage_index, place = divmod(within, spread.tensor)
        if batch.expert_parallel:  # the first ranks hold the experts that are left over
            split = split_of(workload, batch, engine * spread.tensor + place)
        key = (stage_index, split.held_experts, id(gpu))
        if key not in known:
            stage = stages(workload.model, workload.quantization, split, spread.pipeline)[stage_index]
            known[key] = rank_on(workload, run, stage, split, gpu, facts, rules)
        ranks.append(known[key])
    return ranks


def _capacity(run: Run, ranks: Sequence[Rank], rules: Rules, *, idle: int) -> ServerCapacity:
    """What the rank with the fewest blocks leaves: all ranks are given as many blocks as that one has."""
    every, ranks = ranks, tuple({id(rank): rank for rank in ranks}.values())  # most are one and the same
    fewest = min(ranks, key=lambda rank: rank.blocks / max(1, rank.blocks_per_sequence))
    concurrency = float(run.batch.max_num_seqs)  # of encoders, which keep no cache
    if fewest.blocks_per_sequence:
        concurrency = fewest.blocks / fewest.blocks_per_sequence
    tokens = fewest.cache.printed_tokens(fewest.blocks)
    if rules.tokens_are_concurrency and fewest.blocks_per_sequence:
        tokens = fewest.blocks * run.context_tokens // fewest.blocks_per_sequence
    engines = run.spread.data
    free_at_start = all(rank.free_at_start_bytes >= rank.budget_bytes for rank in ranks)
    return ServerCapacity(
        budget_bytes=fewest.budget_bytes,
        kv_pool_bytes=min(rank.pool_bytes for rank in ranks),
        kv_pool_tokens=tokens * engines,
        max_concurrency=concurrency * engines,
        starts=free_at_start
        and all(rank.pool_bytes >= 0 and rank.blocks >= rank.blocks_per_sequence for rank in ranks),
        smallest_utilization=_smallest_utilization(ranks),
        free_at_start_bytes=(*(rank.needed_at_start_bytes for rank in every), *(0,) * idle),
        free_at_start_uncertainty_bytes=max(rank.start_error_bytes for rank in ranks),
    )


def _start_warning(run: Run, ranks: Sequence[Rank]) -> tuple[str, ...]:
    """A budget above what is free stops vLLM at once, however little of it is needed."""
    short = min(ranks, key=lambda rank: rank.free_at_start_bytes - rank.budget_bytes)
    if short.free_at_start_bytes >= short.budget_bytes:
        return ()
    return (
        f"vLLM will not start: --gpu-memory-utilization {run.utilization:g} asks for {gib(short.budget_bytes)} and "
        f"about {gib(short.free_at_start_bytes)} are free beside its own context; "
        + (
            f"{smallest:g} is enough."
            if (smallest := _smallest_utilization(ranks))
            else "no smaller one is enough."
        ),
    )


def _smallest_utilization(ranks: Sequence[Rank]) -> float | None:
    """The smallest utilization, to four decimals, at which the asked load has room; None when none does.

    vLLM does not start when the budget is more than what is free (vllm/v1/worker/utils.py, `request_memory`).
    """
    steps = max(
        -(-(rank.inside_bytes + rank.device.kv_cache_bytes) * _UTILIZATION_STEPS // rank.usable_bytes)
        for rank in ranks
    )
    if any(steps * rank.usable_bytes > rank.free_at_start_bytes * _UTILIZATION_STEPS for rank in ranks):
        return None
    return steps / _UTILIZATION_STEPS
