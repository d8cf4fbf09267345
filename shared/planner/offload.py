"""Part of the model on the host: the most that stays on the GPUs, and what the host must hold."""

from dataclasses import replace

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Quantization
from shared.errors import NoRule
from shared.estimator import Estimate
from shared.inverse.layers import fewest_cpu_expert_layers, most_gpu_layers, offloadable_layers
from shared.memory.workload import Workload
from shared.planner.case import Case
from shared.planner.workloads import workload


def best_offload(case: Case, quantization: Quantization, catalog: Catalog) -> Estimate | None:
    """llama.cpp with as much on the GPUs as fits; None when nothing does, when all of it would, or without a rule.

    A mixture keeps its attention on the GPU and moves whole layers' experts to the host, which costs far less speed
    than moving whole layers; only when not even that fits do layers follow.
    """
    base = replace(workload(case, quantization, "llama.cpp"), gpu_layers=None)
    found = None
    try:
        if case.model.shape.experts is not None:
            found = _with_experts_on_host(base, case, catalog)
        return found or _with_layers_on_host(base, case, catalog)
    except NoRule:
        return None


def layers_on_gpu(load: Workload) -> int:
    """Whole layers on the GPUs, the output layer not counted."""
    layers = load.model.shape.layers
    if load.gpu_layers is None:
        return layers
    beside = offloadable_layers(load) - layers  # the output layer and MTP layers, which go to the GPUs first
    return max(0, min(layers, load.gpu_layers - beside))


def host_sentence(found: Estimate) -> str:
    """What stays where, for a person."""
    load = found.workload
    layers = load.model.shape.layers
    if load.cpu_expert_layers:
        return f"the experts of {load.cpu_expert_layers} of {layers} layers on the host, everything else on the GPU"
    return f"{layers_on_gpu(load)} of {layers} layers on the GPU, the rest on the host"


def _with_experts_on_host(base: Workload, case: Case, catalog: Catalog) -> Estimate | None:
    answer = fewest_cpu_expert_layers(base, case.gpus, catalog)
    return answer.estimate if answer.value else None


def _with_layers_on_host(base: Workload, case: Case, catalog: Catalog) -> Estimate | None:
    answer = most_gpu_layers(base, case.gpus, catalog)
    return answer.estimate if answer.value not in (0, offloadable_layers(base)) else None
