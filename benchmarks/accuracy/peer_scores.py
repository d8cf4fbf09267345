"""Other estimators beside ours, on the same cases: errors, and what each would have said of capacities around them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.accuracy.llama_cpp import held_bytes, without_context
from benchmarks.accuracy.peers.answers import Answer, facts, recorded
from benchmarks.accuracy.peers.questions import offloads, recorded_name
from benchmarks.accuracy.server_runs import study
from benchmarks.accuracy.terms import percentile_95
from benchmarks.accuracy.verdicts import MARGINS
from benchmarks.accuracy.vllm import printed_rank, printed_total
from shared.catalog.catalog import Catalog
from shared.estimator import estimate
from shared.memory.breakdown import DeviceMemory
from shared.memory.workload import Workload
from shared.units import GIB

OURS: Final = "fittingroom"
THUMB: Final = "parameters x bytes x 1.2"
WEIGHTS: Final = "weights"
CACHE: Final = "KV cache of the context"
BESIDE: Final = "all but the KV cache"
TOTAL: Final = "total"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """One case: what was measured and what each estimator says, by component in GiB per device; None is no answer."""

    engine: str
    case: str
    measured: Mapping[str, float]
    said: Mapping[str, Mapping[str, float | None]]
    half_width_gib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerScore:
    """Errors of one estimator in one component, as shares of what was measured."""

    estimator: str
    component: str
    answered: int
    asked: int
    median: float
    p95: float
    worst: float
    worst_case: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerVerdicts:
    """How often an estimator is wrong about capacities around what was measured, as shares of its answers."""

    estimator: str
    answers: int
    fits_and_did_not: float
    no_and_did: float


def cases_beside(catalog: Catalog) -> Iterator[Beside]:
    """Every case of both engines."""
    answers: dict[str, dict[str, Answer]] = {name: {} for name in facts()["peers"]}
    for answer in recorded():
        answers[answer.peer][answer.case] = answer
    yield from _vllm(catalog, answers)
    yield from _llama_cpp(catalog, answers)


def scores(cases: Sequence[Beside], component: str) -> Iterator[PeerScore]:
    """One row per estimator that answers at all."""
    for name in cases[0].said:
        errors = sorted(
            (abs(said - case.measured[component]) / case.measured[component], case.case)
            for case in cases
            if (said := case.said[name].get(component)) is not None
        )
        if errors:
            values = [error for error, _ in errors]
            yield PeerScore(
                estimator=name,
                component=component,
                answered=len(errors),
                asked=len(cases),
                median=median(values),
                p95=percentile_95(values),
                worst=values[-1],
                worst_case=errors[-1][1],
            )


def verdicts(cases: Sequence[Beside]) -> Iterator[PeerVerdicts]:
    """Each total held against capacities around the measured one; ours with its interval, the others' as they are."""
    for name in cases[0].said:
        answered = [case for case in cases if case.said[name].get(TOTAL) is not None]
        if not answered:
            continue
        wrong_yes = wrong_no = below = above = 0
        for case in answered:
            said, need = case.said[name][TOTAL], case.measured[TOTAL]
            assert said is not None
            width = case.half_width_gib if name == OURS else 0.0
            for margin in MARGINS:
                below += margin < 1
                above += margin > 1
                wrong_yes += margin < 1 and said + width <= need * margin
                wrong_no += margin > 1 and said - width > need * margin
        yield PeerVerdicts(
            estimator=name,
            answers=len(answered),
            fits_and_did_not=wrong_yes / below,
            no_and_did=wrong_no / above,
        )


def _vllm(catalog: Catalog, answers: Mapping[str, Mapping[str, Answer]]) -> Iterator[Beside]:
    for run in study(catalog):
        cache = run.printed["pool"] / run.printed["concurrency"]
        beside = printed_total(run)
        device = printed_rank(run, estimate(run.workload, run.gpus, catalog).breakdown.per_gpu)
        held = (device.total_bytes - device.kv_cache_bytes) / GIB
        ours = {BESIDE: held, **_ours(device), TOTAL: device.total_bytes / GIB}
        thumb = _thumb(run.workload, len(run.gpus))
        yield Beside(
            engine="vLLM",
            case=run.name,
            measured={WEIGHTS: run.printed["weights"], CACHE: cache, BESIDE: beside, TOTAL: beside + cache},
            said=_said(ours, thumb, {peer: said.get(run.name) for peer, said in answers.items()}),
            half_width_gib=device.uncertainty_bytes / GIB,
        )


def _llama_cpp(catalog: Catalog, answers: Mapping[str, Mapping[str, Answer]]) -> Iterator[Beside]:
    for case in offloads():
        found = estimate(case.workload, case.gpus, catalog).breakdown
        device, held = found.per_gpu[0], case.devices[0]
        ours = {**_ours(device), TOTAL: without_context(found) / GIB}
        name = recorded_name(case)
        yield Beside(
            engine="llama.cpp",
            case=case.name,
            measured={WEIGHTS: held.weights / GIB, CACHE: held.kv / GIB, TOTAL: held_bytes(case) / GIB},
            said=_said(
                ours, _thumb(case.workload, 1), {peer: said.get(name) for peer, said in answers.items()}
            ),
            half_width_gib=device.uncertainty_bytes / GIB,
        )


def _ours(device: DeviceMemory) -> dict[str, float]:
    cache = device.kv_cache_bytes + device.recurrent_state_bytes
    return {WEIGHTS: device.weights_bytes / GIB, CACHE: cache / GIB}


def _thumb(workload: Workload, gpus: int) -> float:
    """Parameters x bytes of the quantization's own bits x 1.2, over the GPUs; caches and contexts are in the 1.2."""
    return workload.model.parameters * workload.quantization.bits_per_weight / 8 * 1.2 / GIB / gpus


def _said(
    ours: Mapping[str, float], thumb: float, answers: Mapping[str, Answer | None]
) -> dict[str, Mapping[str, float | None]]:
    said: dict[str, Mapping[str, float | None]] = {OURS: ours, THUMB: {BESIDE: thumb, TOTAL: thumb}}
    for peer, answer in answers.items():
        said[peer] = {} if answer is None else _components(answer)
    return said


def _components(answer: Answer) -> dict[str, float | None]:
    return {
        WEIGHTS: answer.weights_gib,
        CACHE: answer.kv_gib,
        BESIDE: answer.without_cache_gib,
        TOTAL: answer.total_gib,
    }
