"""How far the vLLM estimate is from what vLLM printed: `python -m benchmarks.accuracy.vllm`."""

from collections import Counter
from collections.abc import Iterator

from benchmarks.accuracy.server_runs import ServerRun, logged, study
from benchmarks.accuracy.terms import Bar, Term, report
from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog
from shared.engines.vllm.cache import layout
from shared.estimator import Estimate, estimate
from shared.memory.breakdown import DeviceMemory
from shared.units import GIB

BARS = {
    "weights": Bar(median=0.01, p95=0.04, relative=True),
    "weights, logs": Bar(median=0.01, p95=0.04, relative=True),
    "activation": Bar(median=0.3, p95=0.8, relative=False),
    "graphs": Bar(median=0.3, p95=0.8, relative=False),
    "KV tokens": Bar(median=0.03, p95=0.10, relative=True),
    "KV tokens of the printed pool, logs": Bar(median=0.03, p95=0.10, relative=True),
    "total per device": Bar(median=0.02, p95=0.06, relative=True),
    "rule of thumb (parameters x bytes x 1.2)": Bar(median=0.02, p95=0.06, relative=True),
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


def _study_terms(run: ServerRun, found: Estimate) -> Iterator[Term]:
    device = printed_rank(run, found.breakdown.per_gpu)
    sizes = {
        "weights": device.weights_bytes,
        "activation": device.activation_bytes,
        "graphs": device.cuda_graph_bytes,
    }
    for name, size in sizes.items():
        yield Term(component=name, case=run.name, estimated=size / GIB, measured=run.printed[name])
    total = sum(run.printed[name] for name in ("weights", "activation", "non_torch", "graphs", "before"))
    held = (device.total_bytes - device.kv_cache_bytes) / GIB
    yield Term(component="total per device", case=run.name, estimated=held, measured=total)
    thumb = found.breakdown.model_file_bytes * 1.2 / GIB / len(run.gpus)
    yield Term(
        component="rule of thumb (parameters x bytes x 1.2)", case=run.name, estimated=thumb, measured=total
    )
    if found.breakdown.server is not None:
        tokens = found.breakdown.server.kv_pool_tokens
        yield Term(component="KV tokens", case=run.name, estimated=tokens, measured=run.printed["tokens"])


def _logged_terms(run: ServerRun, found: Estimate) -> Iterator[Term]:
    device, printed = found.breakdown.per_gpu[0], run.printed
    if "weights" in printed:
        weights = device.weights_bytes / GIB
        yield Term(component="weights, logs", case=run.name, estimated=weights, measured=printed["weights"])
    if {"pool", "tokens"} <= printed.keys():
        workload = run.workload
        layers = tuple(range(workload.model.shape.layers))
        element = 1 if workload.kv_cache_type_k == "fp8" else 2
        cache = layout(workload.model, layers, workload.tensor_parallel or 1, element, 1)
        tokens = cache.printed_tokens(int(printed["pool"] * GIB) // cache.block_bytes)
        yield Term(
            component="KV tokens of the printed pool, logs",
            case=run.name,
            estimated=tokens,
            measured=printed["tokens"],
        )


def coverage(catalog: Catalog) -> tuple[int, int]:
    """How many measured totals lie inside our 95 % interval, of how many."""
    inside = count = 0
    for run in study(catalog):
        device = printed_rank(run, estimate(run.workload, run.gpus, catalog).breakdown.per_gpu)
        total = sum(run.printed[name] for name in ("weights", "activation", "non_torch", "graphs", "before"))
        held = device.total_bytes - device.kv_cache_bytes
        inside += abs(held - total * GIB) <= device.uncertainty_bytes
        count += 1
    return inside, count


def verdicts(catalog: Catalog) -> Counter[str]:
    """What we say of the runs of the study; all of them started."""
    return Counter(estimate(run.workload, run.gpus, catalog).verdict.value for run in study(catalog))


def main() -> None:
    """Print the table."""
    catalog = load_catalog()
    for line in report(terms(catalog), BARS):
        print(line)
    inside, count = coverage(catalog)
    print(f"inside the 95 % interval of the total: {inside} of {count}")
    print(f"verdicts on runs that started: {dict(verdicts(catalog))}")


if __name__ == "__main__":
    main()
