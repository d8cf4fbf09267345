"""What an engine's own numbers are made of, on the GPU that holds most of them."""

from collections.abc import Iterator

from shared.catalog.catalog import Catalog
from shared.engines.explained import Explained
from shared.engines.llama_cpp.explain import explain as explain_llama_cpp
from shared.engines.process_memory import context_class, link
from shared.engines.versions import at_version
from shared.engines.vllm.explain import explain as explain_vllm
from shared.estimator import Estimate
from shared.memory.breakdown import DeviceMemory
from shared.memory.forward import experts_workspace_bytes, forward_bytes

_NOTHING = Explained(compute=(), overhead=())


def explained(estimate: Estimate, catalog: Catalog) -> Explained:
    """The lines for the GPU with the largest compute memory; none where there is no GPU."""
    devices = estimate.breakdown.per_gpu
    if not devices:
        return _NOTHING
    place = max(range(len(devices)), key=lambda index: devices[index].compute_bytes)
    load = estimate.workload
    facts = catalog.engines[load.engine]
    if load.engine == "llama.cpp":
        return explain_llama_cpp(load, estimate.gpus, facts, place)
    if load.engine == "vllm":
        return explain_vllm(load, estimate.gpus, facts, devices[place], place)
    return Explained(
        compute=tuple(_forward(estimate, devices[place])), overhead=tuple(_context(estimate, catalog, place))
    )


def _forward(estimate: Estimate, device: DeviceMemory) -> Iterator[str]:
    """The forward pass of an engine whose batch is reckoned, not measured: what a thousand tokens of it take."""
    load, shape = estimate.workload, estimate.workload.model.shape
    tensor, tokens = load.tensor_parallel or 1, 1024
    layer = forward_bytes(shape, tokens, tensor, 2)
    experts = experts_workspace_bytes(shape, tokens, tensor, 2)
    chosen = f" + {experts:,} for the chosen experts" if experts else ""
    yield (
        f"{layer:,} bytes{chosen} per {tokens:,} tokens of a prompt on each of {tensor} GPUs, at the widest layer "
        f"beside {shape.hidden_size:,} hidden"
    )
    yield f"{shape.vocabulary_size * 4:,} bytes of logits per sequence = {shape.vocabulary_size:,} vocabulary x 4 bytes"
    if device.cuda_graph_bytes:
        yield f"{device.cuda_graph_bytes:,} bytes of CUDA graphs, reckoned per captured size and layer"


def _context(estimate: Estimate, catalog: Catalog, place: int) -> Iterator[str]:
    gpu, breakdown = estimate.gpus[place], estimate.breakdown
    facts = catalog.engines[estimate.workload.engine]
    names = [f"context_mib.{context_class(gpu)}"]
    if len(estimate.gpus) > 1 and estimate.workload.engine != "transformers":
        names.append(f"communicator_mib.{link(gpu)}")
    for name in names:
        constant = at_version(facts, name, breakdown.engine_version)
        yield f"{name} = {constant.value:g} MiB ({constant.source.text})"
