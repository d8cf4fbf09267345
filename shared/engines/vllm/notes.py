"""The sentences beside vLLM's numbers: what is assumed, what to watch."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from shared.catalog.rows import Engine, Gpu, LayerKind, Model, Quantization
from shared.engines.vllm.experts import needs_expert_parallel
from shared.engines.vllm.rules import Rules
from shared.engines.vllm.run import Run
from shared.engines.vllm.uncertainty import is_beside
from shared.memory.workload import Workload


@lru_cache(maxsize=2048)
def _assumptions(
    version: str, newest: str, utilization: float, sequences: int, batched: int, in_budget: bool
) -> tuple[str, ...]:
    graphs = "inside" if in_budget else "outside"
    return (
        f"vLLM {version} (the facts describe {newest}) at --gpu-memory-utilization {utilization:g}.",
        f"Profiled with {sequences} sequences and {batched:,} batched tokens; CUDA graphs {graphs} the budget.",
    )


def assumptions(workload: Workload, run: Run, rules: Rules, facts: Engine) -> tuple[str, ...]:
    """What the numbers take for granted."""
    plain = _assumptions(
        rules.version,
        facts.version,
        run.utilization,
        run.batch.max_num_seqs,
        run.batch.batched_tokens,
        rules.graphs_in_budget,
    )
    return plain + tuple(_beside(workload, run)) if is_beside(workload) or run.spread.data > 1 else plain


def _beside(workload: Workload, run: Run) -> Iterator[str]:
    """What runs beside plain serving, and that it was not measured."""
    if run.spread.data > 1:
        shared = ", the experts shared among them" if run.batch.data_parallel > 1 else ""
        yield (
            f"{run.spread.data} engines{shared}, each with a KV cache of its own for {run.sequences} of the "
            f"{workload.sequences} sequences; tokens and concurrency are of all of them."
        )
    if run.batch.expert_parallel:
        yield "Whole experts on every rank (--enable-expert-parallel)."
    if workload.speculation is not None:
        who = workload.speculation.draft.name if workload.speculation.draft else "its own MTP layers"
        yield f"Guessed ahead of each sequence: {workload.speculation.tokens} by {who}."
    if workload.adapters is not None:
        yield f"Buffers for {workload.adapters.count} adapters of rank {workload.adapters.rank}, filled or not."
    if is_beside(workload):
        yield "No measured run has this, so the interval is wider."


def warnings(workload: Workload, gpus: Sequence[Gpu], run: Run) -> tuple[str, ...]:
    """What a reader must not miss."""
    found = [text for gpu in set(gpus) if (text := _slow_type(gpu, workload.quantization))]
    if text := _replicated(workload.model, run.batch.tensor_parallel):
        found.append(text)
    needed = needs_expert_parallel(workload.model, workload.quantization, run.batch.tensor_parallel)
    if needed and not run.batch.expert_parallel:
        found.append(
            "The experts' quantization blocks cannot be cut that finely: it takes --enable-expert-parallel."
        )
    used = run.spread.ranks
    if used < len(gpus):
        found.append(f"{len(gpus) - used} of the {len(gpus)} GPUs stay idle with these parallel sizes.")
    return tuple(found)


@lru_cache(maxsize=4096)
def _slow_type(gpu: Gpu, quantization: Quantization) -> str:
    """Weights may be stored in a type the GPU cannot compute in: Marlin widens them as it multiplies."""
    native = quantization.native_compute_capability
    if native is None or gpu.compute_capability is None or gpu.compute_capability >= native:
        return ""
    return (
        f"{gpu.name} has no {quantization.id} arithmetic: vLLM keeps the weights so and computes in 16 bits (Marlin), "
        "which saves memory but little time."
    )


@lru_cache(maxsize=4096)
def _replicated(model: Model, tensor: int) -> str:
    attention = model.shape.attention
    if tensor == 1 or attention is None:
        return ""
    if LayerKind.LATENT in model.shape.layer_pattern:
        return (
            "Every tensor-parallel rank keeps the whole latent KV cache: more ranks do not make it smaller."
        )
    if attention.kv_heads < tensor:
        return f"Tensor parallel {tensor} exceeds the {attention.kv_heads} key-value heads: their cache is replicated."
    return ""
