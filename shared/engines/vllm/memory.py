"""How vLLM spends GPU memory: budget, weights, profiled peak, and what is left for the KV cache."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from shared.catalog.rows import Engine, Gpu
from shared.engines.server import refuse, refuse_context
from shared.engines.vllm.activation import activation_bytes
from shared.engines.vllm.cache import Layout, layout
from shared.engines.vllm.graphs import cuda_graph_bytes
from shared.engines.vllm.notes import assumptions, warnings
from shared.engines.vllm.outside import Outside, outside
from shared.engines.vllm.rules import Rules, rules_at
from shared.engines.vllm.run import SERVER, Run, resolve
from shared.engines.vllm.uncertainty import error_bytes, evidence
from shared.memory.breakdown import Breakdown, DeviceMemory, ServerCapacity
from shared.memory.checkpoint import checkpoint_bytes
from shared.memory.server_weights import Stage, stages
from shared.memory.workload import Workload
from shared.units import gib

_HOPPER = (9, 0)
_UTILIZATION_STEPS = 10_000  # utilizations are given to four decimals, rounded up


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rank:
    """One GPU of the server: what it holds, and the cache it has and needs in blocks."""

    device: DeviceMemory
    budget_bytes: int
    usable_bytes: int
    inside_bytes: int  # all of the budget but the cache
    pool_bytes: int
    start_error_bytes: int
    cache: Layout
    blocks_per_sequence: int

    @property
    def free_at_start_bytes(self) -> int:
        """What an otherwise idle GPU has free when vLLM checks its budget against it."""
        return self.usable_bytes - self.device.overhead_bytes + self.device.non_torch_bytes

    @property
    def needed_at_start_bytes(self) -> int:
        """What must be free before vLLM is started: its budget, and the context it opens before it looks."""
        return self.budget_bytes + self.usable_bytes - self.free_at_start_bytes

    @property
    def blocks(self) -> int:
        """Blocks the pool holds."""
        return max(0, self.pool_bytes // self.cache.block_bytes) if self.cache.block_bytes else 0


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
    batch = run.batch
    sizes = (batch.tensor_parallel, batch.pipeline_parallel)
    refuse(SERVER, workload.model, workload.quantization, gpus, sizes)
    refuse_context(SERVER, workload.model, run.context_tokens)
    per_stage = stages(workload.model, workload.quantization, *sizes)
    ranks: list[_Rank] = []
    for index in range(batch.tensor_parallel * batch.pipeline_parallel):
        stage = per_stage[index // batch.tensor_parallel]
        same = index % batch.tensor_parallel and gpus[index] is gpus[index - 1]
        ranks.append(ranks[-1] if same else _rank(workload, run, stage, gpus[index], facts, rules))
    idle = (DeviceMemory(),) * (len(gpus) - len(ranks))
    return Breakdown(
        engine=workload.engine,
        engine_version=rules.version,
        model_file_bytes=checkpoint_bytes(workload.model, workload.quantization),
        per_gpu=tuple(rank.device for rank in ranks) + idle,
        host=DeviceMemory(),
        server=_capacity(run, ranks, rules, idle=len(idle)),
        assumptions=assumptions(run, rules, facts),
        warnings=(*_start_warning(run, ranks), *warnings(workload, gpus, run)),
        evidence=evidence(workload.model, rules.version),
    )


def _rank(workload: Workload, run: Run, stage: Stage, gpu: Gpu, facts: Engine, rules: Rules) -> _Rank:
    """One rank of a stage on this GPU."""
    model, batch = workload.model, run.batch
    hopper = gpu.compute_capability is not None and gpu.compute_capability >= _HOPPER
    activation = activation_bytes(model, workload.quantization, batch, rules, hopper=hopper, last=stage.last)
    graphs = cuda_graph_bytes(model, batch, len(stage.layers), facts, rules.version)
    over: Outside = outside(gpu, batch.tensor_parallel, batch.pipeline_parallel, facts, rules.version)
    cache = layout(model, stage.layers, batch.tensor_parallel, run.cache_element_bytes, rules.state_pages)
    in_flight = batch.batched_tokens * rules.batches_in_flight
    blocks = cache.blocks_per_sequence(run.context_tokens, in_flight)
    budget = math.ceil(gpu.memory_usable_bytes * run.utilization)
    inside = stage.weights_bytes + activation + over.non_torch_bytes
    if rules.graphs_in_budget:
        inside += graphs
    device = DeviceMemory(
        weights_bytes=stage.weights_bytes,
        kv_cache_bytes=blocks * run.sequences * cache.block_bytes,
        compute_bytes=activation + graphs,
        overhead_bytes=over.before_bytes + over.non_torch_bytes,
        activation_bytes=activation,
        cuda_graph_bytes=graphs,
        non_torch_bytes=over.non_torch_bytes,
        uncertainty_bytes=error_bytes(
            model, rules.version, stage.weights_bytes, activation, graphs, over.error_bytes
        ),
    )
    return _Rank(
        device=device,
        budget_bytes=budget,
        usable_bytes=gpu.memory_usable_bytes,
        inside_bytes=inside,
        pool_bytes=budget - inside,
        start_error_bytes=over.before_error_bytes,
        cache=cache,
        blocks_per_sequence=blocks,
    )


def _capacity(run: Run, ranks: Sequence[_Rank], rules: Rules, *, idle: int) -> ServerCapacity:
    """What the rank with the fewest blocks leaves: all ranks are given as many blocks as that one has."""
    fewest = min(ranks, key=lambda rank: rank.blocks / max(1, rank.blocks_per_sequence))
    concurrency = float(run.batch.max_num_seqs)  # of encoders, which keep no cache
    if fewest.blocks_per_sequence:
        concurrency = fewest.blocks / fewest.blocks_per_sequence
    tokens = fewest.cache.printed_tokens(fewest.blocks)
    if rules.tokens_are_concurrency and fewest.blocks_per_sequence:
        tokens = fewest.blocks * run.context_tokens // fewest.blocks_per_sequence
    free_at_start = all(rank.free_at_start_bytes >= rank.budget_bytes for rank in ranks)
    return ServerCapacity(
        budget_bytes=fewest.budget_bytes,
        kv_pool_bytes=min(rank.pool_bytes for rank in ranks),
        kv_pool_tokens=tokens,
        max_concurrency=concurrency,
        starts=free_at_start
        and all(rank.pool_bytes >= 0 and rank.blocks >= rank.blocks_per_sequence for rank in ranks),
        smallest_utilization=_smallest_utilization(ranks),
        free_at_start_bytes=(*(rank.needed_at_start_bytes for rank in ranks), *(0,) * idle),
        free_at_start_uncertainty_bytes=max(rank.start_error_bytes for rank in ranks),
    )


def _start_warning(run: Run, ranks: Sequence[_Rank]) -> tuple[str, ...]:
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


def _smallest_utilization(ranks: Sequence[_Rank]) -> float | None:
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
