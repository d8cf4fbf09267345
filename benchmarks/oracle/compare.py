"""The estimate of a case beside the engine's answer."""

import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.oracle.case import Answer, Case
from shared.catalog.catalog import Catalog
from shared.engines.llama_cpp.cache import as_cached
from shared.engines.llama_cpp.compute import compute_bytes, reservation
from shared.engines.llama_cpp.place import placement
from shared.engines.llama_cpp.quantizer import mix_of
from shared.engines.llama_cpp.settings import resolve
from shared.engines.llama_cpp.weights import digest
from shared.errors import Refused
from shared.estimator import estimate
from shared.memory.placement import HOST

ALLOWED: Final = {
    "weights": 0.0,
    "cache": 0.0,
    "compute": 0.02,
    "refusal": 0.0,
}  # shares; 2 % is the bar we state


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One number of ours beside the engine's. A refusal counts 1, an answer 0."""

    case: str
    architecture: str
    component: str
    place: str
    ours: int
    theirs: int

    @property
    def error(self) -> float:
        """Absolute, as a share of what the engine said."""
        return abs(self.ours - self.theirs) / max(1, self.theirs)

    @property
    def agrees(self) -> bool:
        """Whether it is within what this component is allowed."""
        return self.error <= ALLOWED[self.component]

    def __str__(self) -> str:
        numbers = f"{self.ours:,}, llama.cpp {self.theirs:,} ({self.error:.1%})"
        return f"{self.case}: {self.component}, {self.place}: {numbers}"


def pairs(case: Case, answer: Answer, catalog: Catalog, version: str) -> Iterator[Pair]:
    """Every number of the answer with ours."""
    name = f"{version} {case.name}"
    architecture = catalog.models[case.model].shape.gguf_architecture or ""

    def pair(component: str, place: str, ours: int, theirs: int) -> Pair:
        return Pair(
            case=name, architecture=architecture, component=component, place=place, ours=ours, theirs=theirs
        )

    workload, gpus = case.workload(catalog, version), case.gpus(catalog)
    try:
        found = estimate(workload, gpus, catalog).breakdown
    except Refused:
        yield pair("refusal", "-", 1, int(answer.host is None))
        return
    yield pair("refusal", "-", 0, int(answer.host is None))
    if answer.host is None:
        return
    computed = compute_on_stand_ins(case, catalog, version)
    for index, (ours, theirs) in enumerate(
        zip((*found.per_gpu, found.host), (*answer.devices, answer.host), strict=True)
    ):
        place = f"device {index}" if index < len(gpus) else "host"
        yield pair("weights", place, ours.weights_bytes, theirs.weights)
        yield pair("cache", place, ours.kv_cache_bytes + ours.recurrent_state_bytes, theirs.cache)
        yield pair("compute", place, computed.get(index if index < len(gpus) else HOST, 0), theirs.compute)


def compute_on_stand_ins(case: Case, catalog: Catalog, version: str) -> dict[int, int]:
    """Our compute buffers where the devices, as RPC servers do, leave weights on the host to the host."""
    workload, gpus = case.workload(catalog, version), case.gpus(catalog)
    layers, mix = (
        digest(workload.model, mix_of(workload.quantization)).layer_count,
        mix_of(workload.quantization),
    )
    cached = replace(workload, model=as_cached(workload.model))
    settings, placed = resolve(cached, version), placement(cached, gpus, layers)
    return compute_bytes(reservation(cached.model, mix, settings, placed, takes_over=False), settings.cells)


def all_pairs(answers: Mapping[str, Mapping[Case, Answer]], catalog: Catalog) -> Iterator[Pair]:
    """Every number of a recorded sweep with ours."""
    for version, cases in answers.items():
        for case, answer in cases.items():
            yield from pairs(case, answer, catalog, version)


def summary(found: Iterable[Pair]) -> Iterator[str]:
    """One line per component: how many, how many are equal to the byte, median and 95th percentile of the error."""
    by_component: dict[str, list[Pair]] = {}
    for pair in found:
        by_component.setdefault(pair.component, []).append(pair)
    yield f"{'component':10} {'n':>6} {'exact':>6} {'agree':>6} {'median':>8} {'p95':>8} {'worst':>8}"
    for component, rows in by_component.items():
        errors = sorted(row.error for row in rows)
        p95 = statistics.quantiles(errors, n=20, method="inclusive")[-1] if len(errors) > 1 else errors[0]
        exact, agree = sum(row.ours == row.theirs for row in rows), sum(row.agrees for row in rows)
        yield (
            f"{component:10} {len(rows):6} {exact:6} {agree:6} {statistics.median(errors):8.2%} {p95:8.2%} "
            f"{errors[-1]:8.2%}"
        )
