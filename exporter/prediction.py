"""What our estimator says a running server should hold on each of its devices (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from exporter.engine_apis.state import EngineState
from exporter.model_match import MatchedModel
from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.engines.engine import SeenCommand
from shared.errors import UserError
from shared.estimator import estimate
from shared.memory.workload import Speculation, Workload

# Ollama's runners are llama.cpp's servers, or its library in a program of Ollama's own.
_RUNS_AS: Final = {"ollama": "llama.cpp"}
# Their flag is the context of all sequences together; their API says that of one.
_ONE_CACHE_FOR_ALL: Final = frozenset({"llama.cpp", "ollama"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """For one device: what the server should hold, half the width of the 95 % interval, and the engine's own limit.

    `budget_bytes` is what a server that reserves up front gave itself; None for engines without such a share.
    """

    total_bytes: int
    uncertainty_bytes: int
    budget_bytes: int | None


def predict(
    seen: SeenCommand, state: EngineState | None, matched: MatchedModel, rows: Sequence[Gpu], catalog: Catalog
) -> tuple[Predicted, ...]:
    """A prediction per device, in their order; empty where we do not know enough or have no rule."""
    workload = _workload(seen, state, matched, len(rows))
    if workload is None or not rows:
        return ()
    try:
        breakdown = estimate(workload, rows, catalog).breakdown
    except UserError:
        return ()
    if len(breakdown.per_gpu) != len(rows):
        return ()
    server = breakdown.server
    # A server that reserves up front fills its pool at the start, whatever the load: not the asked cache counts.
    return tuple(
        Predicted(
            total_bytes=(
                device.total_bytes
                if server is None
                else device.total_bytes - device.kv_cache_bytes + max(0, server.kv_pool_bytes)
            ),
            uncertainty_bytes=device.uncertainty_bytes,
            budget_bytes=server.budget_bytes if server is not None else None,
        )
        for device in breakdown.per_gpu
    )


def _workload(
    seen: SeenCommand, state: EngineState | None, matched: MatchedModel, devices: int
) -> Workload | None:
    """The workload as far as command line and API tell it; None when they do not tell enough."""
    if matched.model is None or matched.quantization is None or seen.speculative_tokens == 0:
        return None
    ahead = seen.speculative_tokens
    copies = 1 if seen.data_parallel_attention else seen.data_parallel or 1
    sequences = seen.sequences or (state.sequences if state else None)
    context = seen.context_tokens or _context_of(seen, state, sequences) or _default_context(seen, matched)
    if not context:
        return None
    return Workload(
        model=matched.model,
        quantization=matched.quantization,
        engine=_RUNS_AS.get(seen.engine, seen.engine),
        context_tokens=context,
        sequences=sequences or 1,
        kv_cache_type_k=seen.kv_cache_type or "auto",
        kv_cache_type_v=seen.kv_cache_type_v or seen.kv_cache_type or "auto",
        gpu_layers=seen.gpu_layers,
        tensor_parallel=seen.tensor_parallel
        or (max(1, devices // copies) if seen.pipeline_parallel is None else None),
        pipeline_parallel=seen.pipeline_parallel,
        gpu_memory_utilization=seen.gpu_memory_utilization,
        max_num_seqs=seen.max_num_seqs,
        max_num_batched_tokens=seen.max_num_batched_tokens,
        data_parallel=seen.data_parallel,
        data_parallel_attention=seen.data_parallel_attention,
        expert_parallel=seen.expert_parallel,
        speculation=Speculation(tokens=ahead) if ahead else None,
        adapters=seen.adapters,
        engine_version=state.version if state and seen.engine == "vllm" else None,
    )


def _context_of(seen: SeenCommand, state: EngineState | None, sequences: int | None) -> int | None:
    """The context as the engine's flag counts it, from what the API says of one sequence."""
    if state is None or state.context_tokens is None:
        return None
    shared = seen.engine in _ONE_CACHE_FOR_ALL
    return state.context_tokens * (sequences or 1) if shared else state.context_tokens


def _default_context(seen: SeenCommand, matched: MatchedModel) -> int | None:
    """What the engine takes when not told: servers take the model's own; llama.cpp's and Ollama's changed over time."""
    if seen.engine in _ONE_CACHE_FOR_ALL or matched.model is None:
        return None
    return matched.model.context_tokens
