"""How far the vLLM estimate is from what vLLM printed."""

from collections.abc import Iterator

from benchmarks.accuracy.server_runs import ServerRun, logged, study
from benchmarks.accuracy.terms import Bar, Term
from shared.catalog.catalog import Catalog
from shared.engines.vllm.cache import layout
from shared.estimator import Estimate, estimate
from shared.memory.breakdown import DeviceMemory
from shared.units import GIB

_WEIGHTS = Bar(median=0.01, p95=0.04, relative=True)
_PEAK = Bar(median=0.3, p95=0.8, relative=False)
_TOKENS = Bar(median=0.03, p95=0.10, relative=True)
_TOTAL = Bar(median=0.02, p95=0.06, relative=True)
BARS = {
    "weights": _WEIGHTS,
    "activation": _PEAK,
    "graphs": _PEAK,
    "total per device": _TOTAL,
    "KV tokens": _TOKENS,
    "weights, logs": _WEIGHTS,
    "activation, logs": _PEAK,
    "graphs, logs": _PEAK,
    "total inside the budget, logs": _TOTAL,
    "KV tokens of the utilization, logs": _TOKENS,
    "KV tokens of the printed pool, logs": _TOKENS,
}


def terms(catalog: Catalog) -> Iterator[Term]:
    """Every comparison the recorded runs allow."""
    for run in study(catalog):
        yield from _study_terms(run, estimate(run.workload, run.gpus, catalog))
    for run in logged(catalog):
        yield from _logged_terms(run, estimate(run.workload, run.gpus, catalog))


def printed_rank(run: ServerRun, devices: tuple[DeviceMemory, ...]) -> DeviceMemory:
    """The rank whose terms the study recorded: the first, but of four pipeline stages one from the middle."""
    return devices[1 if run.workload.pipeline_parallel == 4 else 0]


def printed_total(run: ServerRun) -> float:
    """Everything the study's rank held but its cache, in GiB."""
    return sum(run.printed[name] for name in ("weights", "activation", "non_torch", "graphs", "before"))


def _study_terms(run: ServerRun, found: Estimate) -> Iterator[Term]:
    device = printed_rank(run, found.breakdown.per_gpu)
    sizes = {
        "weights": device.weights_bytes,
        "activation": device.activation_bytes,
        "graphs": device.cuda_graph_bytes,
    }
    for name, size in sizes.items():
        yield Term(component=name, case=run.name, estimated=size / GIB, measured=run.printed[name])
    held = (device.total_bytes - device.kv_cache_bytes) / GIB
    yield Term(component="total per device", case=run.name, estimated=held, measured=printed_total(run))
    if found.breakdown.server is not None:
        tokens = found.breakdown.server.kv_pool_tokens
        yield Term(component="KV tokens", case=run.name, estimated=tokens, measured=run.printed["tokens"])


def _logged_terms(run: ServerRun, found: Estimate) -> Iterator[Term]:
    device, printed, server = found.breakdown.per_gpu[0], run.printed, found.breakdown.server
    sizes = {
        "weights": device.weights_bytes,
        "activation": device.activation_bytes,
        "graphs": device.cuda_graph_bytes,
    }
    for name, size in sizes.items():
        if name in printed:
            yield Term(component=f"{name}, logs", case=run.name, estimated=size / GIB, measured=printed[name])
    if server is not None and "inside" in printed:
        inside = (server.budget_bytes - server.kv_pool_bytes) / GIB
        yield Term(
            component="total inside the budget, logs",
            case=run.name,
            estimated=inside,
            measured=printed["inside"],
        )
        if "tokens" in printed:
            yield Term(
                component="KV tokens of the utilization, logs",
                case=run.name,
                estimated=server.kv_pool_tokens,
                measured=printed["tokens"],
            )
    if {"pool", "tokens"} <= printed.keys():
        yield _tokens_of_the_pool(run)


def _tokens_of_the_pool(run: ServerRun) -> Term:
    workload = run.workload
    layers = tuple(range(workload.model.shape.layers))
    element = 1 if workload.kv_cache_type_k == "fp8" else 2
    cache = layout(workload.model, layers, workload.tensor_parallel or 1, element, 1)
    tokens = cache.printed_tokens(int(run.printed["pool"] * GIB) // cache.block_bytes)
    return Term(
        component="KV tokens of the printed pool, logs",
        case=run.name,
        estimated=tokens,
        measured=run.printed["tokens"],
    )
