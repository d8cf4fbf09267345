"""What vLLM's activations, CUDA graphs and overhead are made of, each with its values put in."""

from collections.abc import Iterator, Sequence

from shared.catalog.rows import Engine, Gpu, Model
from shared.engines.explained import Explained
from shared.engines.process_memory import context_class, link
from shared.engines.versions import at_version
from shared.engines.vllm.activation import sampler_bytes, vision_bytes
from shared.engines.vllm.graphs import captured_sizes
from shared.engines.vllm.rules import Rules, rules_at
from shared.engines.vllm.run import Batch, Run, resolve
from shared.memory.breakdown import DeviceMemory
from shared.memory.forward import experts_workspace_bytes, forward_bytes
from shared.memory.workload import Workload

_PROFILE = "vllm/v1/worker/gpu_model_runner.py of 0.19.0, profile_run"
_SAMPLER = "vllm/v1/sample/sampler.py and ops/topk_topp_sampler.py"
_BUDGET = "vllm/v1/worker/gpu_worker.py, determine_available_memory"


def explain(
    workload: Workload, gpus: Sequence[Gpu], facts: Engine, device: DeviceMemory, place: int
) -> Explained:
    """The compute memory and overhead of the GPU at `place`, which holds `device`."""
    rules = rules_at(facts, workload.engine_version)
    run = resolve(workload, gpus, rules)
    return Explained(
        compute=(
            *_activation(workload.model, run.batch, rules, device),
            *_graphs(workload.model, run, facts, rules.version, device),
        ),
        overhead=tuple(_overhead(gpus[place], run, facts, rules.version, device)),
        sources=(_PROFILE, _SAMPLER, _BUDGET),
    )


def _activation(model: Model, batch: Batch, rules: Rules, device: DeviceMemory) -> Iterator[str]:
    shape = model.shape
    size = (batch.batched_tokens, batch.tensor_parallel, batch.element_bytes)
    yield f"{device.activation_bytes:,} bytes of activations: the larger of a forward pass and the sampler, kept back"
    forward = forward_bytes(shape, *size)
    yield (
        f"forward pass: {forward:,} bytes for {batch.batched_tokens:,} batched tokens "
        f"x {batch.element_bytes} bytes x (the widest projection / {batch.tensor_parallel} + {shape.hidden_size:,})"
    )
    workspace = experts_workspace_bytes(shape, *size)
    if workspace:
        chosen = shape.experts.active if shape.experts else 0
        yield f"experts' workspace: {workspace:,} bytes, {batch.batched_tokens:,} tokens x {chosen} chosen experts"
    sampled = sampler_bytes(shape, batch, rules) if shape.kind != "embedding" else 0
    if sampled:
        yield (
            f"sampler: {sampled:,} bytes for {batch.max_num_seqs:,} sequences x {shape.vocabulary_size:,} vocabulary "
            f"x {batch.element_bytes + rules.sampler_bytes_per_logit} bytes, and the top-k buffer"
        )
    beside = device.activation_bytes - max(forward + workspace, sampled)
    if beside > 0:
        yield f"beside the larger of them {beside:,} bytes: hidden states, what is kept of the other, cuBLAS' workspace"
    embeddings, pixels = vision_bytes(model, batch, rules)
    if embeddings:
        yield f"images: {embeddings:,} bytes of embeddings + {pixels:,} of dummy images"


def _graphs(model: Model, run: Run, facts: Engine, version: str, device: DeviceMemory) -> Iterator[str]:
    batch = run.batch
    if batch.eager:
        yield "no CUDA graphs: --enforce-eager"
        return
    sizes = captured_sizes(batch.max_num_seqs, batch.batched_tokens, batch.ahead_tokens)
    layers = model.shape.layers // batch.pipeline_parallel
    each = at_version(facts, "graph_mib_per_size", version)
    layer = at_version(facts, "graph_mib_per_size_and_layer", version)
    yield (
        f"{device.cuda_graph_bytes:,} bytes of CUDA graphs: {sizes} captured batch sizes "
        f"x ({each.value:g} MiB + {layer.value:g} MiB x {layers} layers) ({each.source.text})"
    )


def _overhead(gpu: Gpu, run: Run, facts: Engine, version: str, device: DeviceMemory) -> Iterator[str]:
    names = [f"context_mib.{context_class(gpu)}"]
    if run.spread.ranks > 1:
        names.append(f"communicator_mib.{link(gpu)}")
    for name in names:
        constant = at_version(facts, name, version)
        yield f"{name} = {constant.value:g} MiB, outside the budget ({constant.source.text})"
    yield (
        f"{device.non_torch_bytes:,} bytes grow outside PyTorch while it profiles, inside the budget "
        f"(measured, by the rules of vLLM {version})"
    )
