"""Part of the model on the host: the most that stays on the GPUs, and what the host must hold."""

from dataclasses import replace

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Quantization
from shared.estimator import Estimate
from shared.memory.workload import Workload
from shared.planner.case import Case
from shared.planner.fit import attempt
from shared.planner.limits import largest, smallest
from shared.planner.workloads import workload


def best_offload(case: Case, quantization: Quantization, catalog: Catalog) -> Estimate | None:
    """llama.cpp with as much on the GPUs as fits; None when nothing does, or when all of it would.

    A mixture keeps its attention on the GPU and moves whole layers' experts to the host, which costs far less speed
    than moving whole layers; only when not even that fits do layers follow.
    """
    base = replace(workload(case, quantization, "llama.cpp"), gpu_layers=None)
    experts = case.model.shape.experts
    found = None
    if experts is not None:
        found = _with_experts_on_host(base, case, catalog)
    return found or _with_layers_on_host(base, case, catalog)


def layers_on_gpu(load: Workload) -> int:
    """Whole layers on the GPUs, the output layer not counted."""
    layers = load.model.shape.layers
    return layers if load.gpu_layers is None else max(0, min(layers, load.gpu_layers - 1))


def host_sentence(found: Estimate) -> str:
    """What stays where, for a person."""
    load = found.workload
    layers = load.model.shape.layers
    if load.cpu_expert_layers:
        return f"the experts of {load.cpu_expert_layers} of {layers} layers on the host, everything else on the GPU"
    return f"{layers_on_gpu(load)} of {layers} layers on the GPU, the rest on the host"


def _with_experts_on_host(base: Workload, case: Case, catalog: Catalog) -> Estimate | None:
    layers = base.model.shape.layers

    def fits(cpu_expert_layers: int) -> bool:
        load = replace(base, cpu_expert_layers=cpu_expert_layers)
        return attempt(load, case.gpu, case.gpu_count, catalog).fits

    needed = smallest(fits, 0, layers, guess=_experts_guess(base, case, catalog))
    if not needed:
        return None
    return attempt(replace(base, cpu_expert_layers=needed), case.gpu, case.gpu_count, catalog).estimate


def _experts_guess(base: Workload, case: Case, catalog: Catalog) -> int | None:
    """The layers to move if each layer's experts weigh the same: what is missing over what one layer frees."""
    layers = base.model.shape.layers
    none = attempt(base, case.gpu, case.gpu_count, catalog).estimate
    every = attempt(replace(base, cpu_expert_layers=layers), case.gpu, case.gpu_count, catalog).estimate
    if none is None or every is None or every.slack_bytes <= none.slack_bytes:
        return None
    missing = none.uncertainty_bytes - none.slack_bytes
    return max(0, min(layers, -(-missing * layers // (every.slack_bytes - none.slack_bytes))))


def _with_layers_on_host(base: Workload, case: Case, catalog: Catalog) -> Estimate | None:
    layers = base.model.shape.layers + 1  # the output layer counts as one

    def fits(gpu_layers: int) -> bool:
        return attempt(replace(base, gpu_layers=gpu_layers), case.gpu, case.gpu_count, catalog).fits

    most = largest(fits, layers, guess=_layers_guess(base, case, catalog))
    if most in (0, layers):
        return None
    return attempt(replace(base, gpu_layers=most), case.gpu, case.gpu_count, catalog).estimate


def _layers_guess(base: Workload, case: Case, catalog: Catalog) -> int | None:
    """The layers that fit if all weigh the same."""
    layers = base.model.shape.layers + 1
    every = attempt(base, case.gpu, case.gpu_count, catalog).estimate
    none = attempt(replace(base, gpu_layers=0), case.gpu, case.gpu_count, catalog).estimate
    if none is None or every is None or every.slack_bytes >= none.slack_bytes:
        return None
    room = none.slack_bytes - every.uncertainty_bytes
    return max(0, min(layers, room * layers // (none.slack_bytes - every.slack_bytes)))
