"""How often the 95 % intervals hold what was measured, also where no model helped to calibrate its own."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean
from typing import Final

from benchmarks.accuracy.llama_cpp import held_bytes, without_context
from benchmarks.accuracy.server_runs import ServerRun, logged, study
from benchmarks.accuracy.vllm import printed_rank, printed_total
from benchmarks.speed.least_squares import fit_relative
from shared.catalog.catalog import Catalog
from shared.catalog.rows import Constant, LayerKind
from shared.engines.vllm.graphs import captured_sizes
from shared.estimator import estimate
from shared.units import GIB
from tests.shared.engines.llama_cpp.reference import cases

_SIZES: Final = captured_sizes(1024, 8192)  # of the study: vLLM's defaults on an H100


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """One measured total beside the interval we gave, in GiB; `model` is who must not have calibrated it."""

    case: str
    model: str
    error_gib: float
    half_width_gib: float

    @property
    def holds(self) -> bool:
        """Whether the measured total lies inside."""
        return abs(self.error_gib) <= self.half_width_gib


def llama_cpp(catalog: Catalog) -> Iterator[Interval]:
    """The recorded allocations of one device."""
    for case in cases():
        if case.placement == "offload" and not case.error:
            found = estimate(case.workload, case.gpus, catalog).breakdown
            yield Interval(
                case=f"{case.name}, {case.version}",
                model=case.workload.model.id,
                error_gib=(without_context(found) - held_bytes(case)) / GIB,
                half_width_gib=found.per_gpu[0].uncertainty_bytes / GIB,
            )


def vllm_study(runs: Iterable[ServerRun], catalog: Catalog) -> Iterator[Interval]:
    """Everything one rank held but its cache, as the study printed it."""
    for run in runs:
        device = printed_rank(run, estimate(run.workload, run.gpus, catalog).breakdown.per_gpu)
        yield Interval(
            case=run.name,
            model=run.workload.model.id,
            error_gib=(device.total_bytes - device.kv_cache_bytes) / GIB - printed_total(run),
            half_width_gib=device.uncertainty_bytes / GIB,
        )


def vllm_logs(catalog: Catalog) -> Iterator[Interval]:
    """What the budgets of public logs held beside the cache: other versions, GPUs and models than the study's."""
    for run in logged(catalog):
        found = estimate(run.workload, run.gpus, catalog).breakdown
        if "inside" in run.printed and found.server is not None:
            inside = (found.server.budget_bytes - found.server.kv_pool_bytes) / GIB
            yield Interval(
                case=run.name,
                model=run.workload.model.id,
                error_gib=inside - run.printed["inside"],
                half_width_gib=found.per_gpu[0].uncertainty_bytes / GIB,
            )


def vllm_left_out(catalog: Catalog) -> Iterator[Interval]:
    """The study again: each model with the constants that the runs of all other models give, by the same rules."""
    for own, _, refitted in _left_out(catalog):
        yield from vllm_study(own, refitted)


def vllm_left_out_widths(catalog: Catalog) -> Iterator[Interval]:
    """As `vllm_left_out`, with widths that the other models alone ask for.

    Split conformal prediction: the half-width is multiplied by the ratio of error to half-width that 95 % of the
    others stay under (arXiv 2107.07511, section 1: the ceil(0.95 (n + 1))-th smallest of n).
    """
    for own, others, refitted in _left_out(catalog):
        ratios = sorted(abs(one.error_gib) / one.half_width_gib for one in vllm_study(others, refitted))
        factor = ratios[min(len(ratios), math.ceil(0.95 * (len(ratios) + 1))) - 1]
        for one in vllm_study(own, refitted):
            yield replace(one, half_width_gib=one.half_width_gib * factor)


def _left_out(
    catalog: Catalog,
) -> Iterator[tuple[Sequence[ServerRun], Sequence[ServerRun], Catalog]]:
    """Per model of the study: its runs, those of all others, and the catalog that the others give."""
    runs = tuple(study(catalog))
    for model in dict.fromkeys(run.workload.model.id for run in runs):
        others = [run for run in runs if run.workload.model.id != model]
        own = [run for run in runs if run.workload.model.id == model]
        yield own, others, recalibrated(catalog, others)


def recalibrated(catalog: Catalog, runs: Sequence[ServerRun]) -> Catalog:
    """The catalog with vLLM's measured constants of 0.19 made from these runs alone."""
    engine = catalog.engines["vllm"]
    single = [run for run in runs if len(run.gpus) == 1]
    found = {
        "non_torch_mib@0.18": _mean(single, "non_torch"),
        "context_mib.datacenter@0.1": _mean(single, "before"),
        **_several_ranks(runs, _mean(single, "before")),
        **_graphs(runs),
    }
    constants: Mapping[str, Constant] = {
        name: replace(constant, value=found[name]) if found.get(name) is not None else constant
        for name, constant in engine.constants.items()
    }
    # a version of its own, as rows of facts are told apart by id and version
    refitted = replace(engine, version=f"{engine.version}.{len(runs)}", constants=dict(constants))
    return replace(catalog, engines={**catalog.engines, "vllm": refitted})


def _several_ranks(runs: Sequence[ServerRun], alone: float | None) -> dict[str, float | None]:
    tensor = [run for run in runs if (run.workload.tensor_parallel or 1) > 1]
    stages = [run for run in runs if (run.workload.pipeline_parallel or 1) > 1]
    before = _mean([*tensor, *stages], "before")
    inside = _mean(tensor, "non_torch")
    return {
        "non_torch_nvlink_mib@0.18": inside,
        "non_torch_nvlink_switch_mib@0.18": inside,
        "non_torch_pipeline_mib@0.1": _mean(stages, "non_torch"),
        "communicator_mib.nvlink@0.1": None if before is None or alone is None else before - alone,
    }


def _graphs(runs: Sequence[ServerRun]) -> dict[str, float | None]:
    """Memory of the captured graphs over sizes, layers and latent layers."""
    layers = [run.workload.model.shape.layers / (run.workload.pipeline_parallel or 1) for run in runs]
    latent = [
        count if LayerKind.LATENT in run.workload.model.shape.layer_pattern else 0.0
        for run, count in zip(runs, layers, strict=True)
    ]
    columns = [[1.0] * len(runs), layers] + ([latent] if any(latent) else [])
    solved = fit_relative(columns, [run.printed["graphs"] * 1024 / _SIZES for run in runs])
    names = (
        "graph_mib_per_size@0.1",
        "graph_mib_per_size_and_layer@0.1",
        "graph_mib_per_size_and_latent_layer@0.1",
    )
    return dict(zip(names, solved, strict=False))


def _mean(runs: Sequence[ServerRun], term: str) -> float | None:
    """In MiB; None of no runs."""
    return mean(run.printed[term] for run in runs) * 1024 if runs else None
