"""How far the llama.cpp estimate is from what llama.cpp allocates and what its logs print."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.accuracy.terms import Bar, Term
from shared.catalog.catalog import Catalog
from shared.engines.llama_cpp.quantizer import bytes_by_type, mix_of, stored_tensors
from shared.errors import Refused
from shared.estimator import estimate
from shared.memory.breakdown import Breakdown
from shared.memory.workload import Workload
from shared.units import GIB, MIB
from tests.shared.engines.llama_cpp.reference import Case, cases, rows

LOGS = Path(__file__).parents[2] / "tests" / "ground_truth" / "llama_cpp_logs.jsonl"
EXACT = Bar(median=0.000001, p95=0.000001, relative=True)  # the recording rounds to four digits of a MiB
COMPUTE = Bar(median=0.03, p95=0.10, relative=True)
LOGGED = Bar(median=0.01, p95=0.01, relative=True)
BARS: Mapping[str, Bar | None] = {
    "files of the quantizer": EXACT,
    "weights, devices": EXACT,
    "weights, host": EXACT,
    "KV cache, devices": EXACT,
    "KV cache, host": EXACT,
    "compute buffer, one device, all layers": COMPUTE,
    "compute buffer, host alone": COMPUTE,
    "total, one device": Bar(median=0.02, p95=0.06, relative=True),
    "weights, logs": LOGGED,
    "weights, logs of other recipes": None,
    "KV cache, logs": LOGGED,
}


def terms(catalog: Catalog) -> Iterator[Term]:
    """Every comparison the recordings and the logs allow."""
    for row in rows("llama_cpp_weights.csv"):
        shape, mix = catalog.models[row["model"]].shape, mix_of(catalog.quantizations[row["quantization"]])
        size = sum(bytes_by_type(stored_tensors(shape, mix)).values())
        name = f"{row['model']} {row['quantization']}"
        yield _term("files of the quantizer", name, size, int(row["weights_bytes"]))
    for case in cases():
        if not case.error:
            yield from _case_terms(case, catalog)
    for line in LOGS.read_text(encoding="utf-8").splitlines():
        yield from _log_terms(json.loads(line), catalog)


def refusals(catalog: Catalog) -> tuple[int, int]:
    """How many of llama.cpp's recorded refusals we refuse too, of how many."""
    refused = [case for case in cases() if case.error]
    return sum(_refuses(case, catalog) for case in refused), len(refused)


def _refuses(case: Case, catalog: Catalog) -> bool:
    try:
        estimate(case.workload, case.gpus, catalog)
    except Refused:
        return True
    return False


def _case_terms(case: Case, catalog: Catalog) -> Iterator[Term]:
    found = estimate(case.workload, case.gpus, catalog).breakdown
    assert case.host is not None
    name = f"{case.name}, {case.version}"
    sides = {"devices": (found.per_gpu, case.devices), "host": ((found.host,), (case.host,))}
    for side, (ours, theirs) in sides.items():
        weights, kv = sum(held.weights for held in theirs), sum(held.kv for held in theirs)
        if weights:
            yield _term(f"weights, {side}", name, sum(one.weights_bytes for one in ours), weights)
        if kv:
            cache = sum(one.kv_cache_bytes + one.recurrent_state_bytes for one in ours)
            yield _term(f"KV cache, {side}", name, cache, kv)
    if case.placement == "offload":
        compute = found.per_gpu[0].compute_bytes
        yield _term("compute buffer, one device, all layers", name, compute, case.devices[0].compute)
        yield _term("total, one device", name, without_context(found), held_bytes(case))
    if case.placement == "cpu":
        yield _term("compute buffer, host alone", name, found.host.compute_bytes, case.host.compute)


def without_context(found: Breakdown) -> int:
    """What we say the only device holds, without the driver's context and pools, which no recording has."""
    return found.per_gpu[0].total_bytes - found.per_gpu[0].overhead_bytes


def held_bytes(case: Case) -> float:
    """What the only device of a recorded case holds."""
    held = case.devices[0]
    return held.weights + held.kv + held.compute


def _log_terms(record: dict[str, Any], catalog: Catalog) -> Iterator[Term]:
    """Weights and KV cache of a log, on its GPUs or, of a run without any, on the host."""
    measured, kv = record["measured"], record.get("kv_type")
    quantization = catalog.quantizations.get(record.get("quantization") or "")
    if (
        kv is None
        or quantization is None
        or "other_placement" in record
        or record["model"] not in catalog.models
    ):
        return
    printed = (measured.get("weights_mib") or {}).get("per_device") or {}
    devices = 0 if record.get("gpu") == "cpu" or record.get("gpu_layers") == 0 else len(printed) or 1
    layers = record.get("gpu_layers")
    workload = Workload(
        model=catalog.models[record["model"]],
        quantization=quantization,
        engine="llama.cpp",
        context_tokens=record["context"],
        sequences=record.get("sequences") or 1,
        kv_cache_type_k=kv["k"],
        kv_cache_type_v=kv["v"],
        kv_unified=record.get("kv_unified"),
        flash_attention={"0": False, "1": True}.get(str(record.get("flash_attention"))),
        gpu_layers=None if layers == record.get("layers") else layers,
    )
    # where the log names no GPU of the catalog: weights and cache are the same on every one
    gpu = catalog.gpus.get(record.get("gpu") or "") or catalog.gpus["h200"]
    found = estimate(workload, (gpu,) * devices, catalog).breakdown
    holders = found.per_gpu if devices else (found.host,)
    weights = (measured.get("weights_mib") or {}).get("sum")
    if not devices and "CPU_REPACK" not in measured["cpu_weights_mib"]:  # those are held beside what was read
        weights = sum(measured["cpu_weights_mib"].values())
    if weights:
        kind = "weights, logs of other recipes" if "other_recipe" in record else "weights, logs"
        size = sum(one.weights_bytes for one in holders)
        yield _term(kind, record["id"], size, weights * MIB)
    if cache := (measured.get("kv_mib") or {}).get("total"):
        size = sum(one.kv_cache_bytes for one in (*found.per_gpu, found.host))
        yield _term("KV cache, logs", record["id"], size, cache * MIB)


def _term(component: str, case: str, estimated: float, measured: float) -> Term:
    return Term(component=component, case=case, estimated=estimated / GIB, measured=measured / GIB)
