"""One GPU of a vLLM server: what it holds, and the cache it has and needs in blocks."""

import math
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from shared.catalog.rows import Engine, Gpu
from shared.engines.vllm.activation import activation_bytes, indexer_bytes, shared_experts_bytes
from shared.engines.vllm.adapters import adapter_bytes
from shared.engines.vllm.cache import Layout, layout
from shared.engines.vllm.deepstack import deepstack_bytes
from shared.engines.vllm.graphs import cuda_graph_bytes
from shared.engines.vllm.outside import Outside, outside
from shared.engines.vllm.rules import Rules
from shared.engines.vllm.run import Run
from shared.engines.vllm.speculation import Drafter, drafter
from shared.engines.vllm.uncertainty import Beside, error_bytes, is_beside
from shared.memory.breakdown import DeviceMemory
from shared.memory.server_weights import Stage
from shared.memory.split import Split
from shared.memory.workload import Workload

_HOPPER: Final = (9, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """One GPU of the server. `inside_bytes` is all of the budget but the cache."""

    device: DeviceMemory
    budget_bytes: int
    usable_bytes: int
    inside_bytes: int
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


class _Held(NamedTuple):
    """What one rank holds beside its cache, by cause."""

    stage: Stage
    draft: Drafter
    adapters: int
    activation: int
    graphs: int
    over: Outside


def _device(held: _Held, cache_bytes: int, error_bytes: int) -> DeviceMemory:
    """The same as one GPU's memory."""
    return DeviceMemory(
        weights_bytes=held.stage.weights_bytes + held.draft.weights_bytes + held.adapters,
        kv_cache_bytes=cache_bytes,
        compute_bytes=held.activation + held.graphs,
        overhead_bytes=held.over.before_bytes + held.over.non_torch_bytes,
        activation_bytes=held.activation,
        cuda_graph_bytes=held.graphs,
        non_torch_bytes=held.over.non_torch_bytes,
        adapter_bytes=held.adapters,
        draft_bytes=held.draft.weights_bytes,
        tower_bytes=held.stage.tower_bytes,
        uncertainty_bytes=error_bytes,
    )


def _error(workload: Workload, run: Run, held: _Held, rules: Rules) -> int:
    """Half-width of the 95 % interval of that GPU."""
    beside = None  # nearly always
    if is_beside(workload):
        beside = Beside(
            draft_bytes=held.draft.weights_bytes,
            exchange_bytes=shared_experts_bytes(workload.model.shape, run.batch),
            adapters=workload.adapters is not None,
            expert_parallel=run.batch.expert_parallel,
        )
    return error_bytes(
        workload.model,
        rules.version,
        held.stage.weights_bytes,
        held.activation,
        held.graphs,
        held.over.error_bytes,
        beside,
    )


def rank_on(
    workload: Workload, run: Run, stage: Stage, split: Split, gpu: Gpu, facts: Engine, rules: Rules
) -> Rank:
    """One rank of a stage on this GPU, holding this share of every layer."""
    model, batch = workload.model, run.batch
    if deepstack := deepstack_bytes(model, batch.batched_tokens, batch.element_bytes):
        stage = replace(stage, weights_bytes=stage.weights_bytes + deepstack)
    hopper = gpu.compute_capability is not None and gpu.compute_capability >= _HOPPER
    activation = activation_bytes(
        model,
        workload.quantization,
        batch,
        rules,
        hopper=hopper,
        last=stage.last,
        indexer_bytes=indexer_bytes(model.shape, run.context_tokens),
    )
    graphs = cuda_graph_bytes(model, batch, len(stage.layers), facts, rules.version)
    over: Outside = outside(
        gpu, batch.tensor_parallel, batch.pipeline_parallel, batch.data_parallel, facts, rules.version
    )
    draft = drafter(workload, stage, split, batch.pipeline_parallel, run.cache_element_bytes)
    adapters = 0
    if workload.adapters is not None:
        adapters = adapter_bytes(workload.adapters, model.shape, stage, split, batch.element_bytes)
    weights = stage.weights_bytes + draft.weights_bytes + adapters
    cache = layout(
        model,
        stage.layers,
        batch.tensor_parallel,
        run.cache_element_bytes,
        rules.state_pages,
        draft.pages,
        batch.ahead_tokens,
        draft.is_on,
        packed=rules.packed_pages,
    )
    blocks = cache.blocks_per_sequence(run.context_tokens, batch.batched_tokens * rules.batches_in_flight)
    budget = math.ceil(gpu.memory_usable_bytes * run.utilization)
    inside = weights + activation + over.non_torch_bytes + (graphs if rules.graphs_in_budget else 0)
    held = _Held(stage=stage, draft=draft, adapters=adapters, activation=activation, graphs=graphs, over=over)
    return Rank(
        device=_device(held, blocks * run.sequences * cache.block_bytes, _error(workload, run, held, rules)),
        budget_bytes=budget,
        usable_bytes=gpu.memory_usable_bytes,
        inside_bytes=inside,
        pool_bytes=budget - inside,
        start_error_bytes=over.before_error_bytes,
        cache=cache,
        blocks_per_sequence=blocks,
    )
