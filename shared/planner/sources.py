"""Where the numbers of a plan come from, and what its reader must not miss."""

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Source
from shared.inverse.attempt import Attempt
from shared.planner.case import Case
from shared.planner.plan import Option, OptionKind
from shared.question.query import Query
from shared.units import gib


def sources(case: Case, options: tuple[Option, ...], catalog: Catalog) -> tuple[str, ...]:
    """Every fact's source once: the model's shape, the cards' memory and bandwidth, quantizations, engines, prices."""
    found = [_said(f"{case.model.name}, shape", case.model.source)]
    for one in options:
        gpu, quantization = one.gpu, one.quantization
        found.append(_said(f"{gpu.name}, memory", gpu.memory_source))
        found.append(_said(f"{gpu.name}, bandwidth", gpu.bandwidth_source))
        found.append(_said(quantization.name, quantization.source))
        found += [_said(f"{quantization.name}, quality", row.source) for row in quantization.quality[:1]]
        engine = catalog.engines.get(one.estimate.workload.engine)
        if engine is not None:
            found.append(_said(f"{engine.name} {engine.version}", engine.source))
        if one.estimate.workload.model.id != case.model.id:
            model = one.estimate.workload.model
            found.append(_said(f"{model.name}, shape", model.source))
    return tuple(dict.fromkeys(found))


def warnings(query: Query, asked: Attempt, options: tuple[Option, ...]) -> tuple[str, ...]:
    """What must not be missed: from the question, the engine, and options that cost more than they seem to."""
    found = list(query.warnings)
    if asked.estimate is not None:
        found += asked.estimate.breakdown.warnings
    found += broken(options)
    if query.host_memory_bytes is not None and _lacks_host(asked, options):
        found.append(f"The {gib(query.host_memory_bytes)} of the host do not hold what the GPUs cannot.")
    first = options[0].estimate.workload.model if options else None
    model = query.model or first
    if model is not None and model.gated:
        found.append(f"{model.repo_id} is gated: accept its licence ({model.license}) before you pull it.")
    return tuple(dict.fromkeys(found))


def broken(options: tuple[Option, ...]) -> tuple[str, ...]:
    """The warning that goes with any option whose quantization breaks the model."""
    if any(not one.quantization.healthy and not one.healthy for one in options):
        return ("Below about 3 bits a model breaks visibly: prefer a smaller model at 4 bits or more.",)
    return ()


def _lacks_host(asked: Attempt, options: tuple[Option, ...]) -> bool:
    """Whether what was asked does not fit the GPUs, and what they cannot hold not the host."""
    too_large = asked.estimate is not None and not asked.may_fit
    return too_large and not any(one.kind is OptionKind.OFFLOAD for one in options)


def _said(what: str, source: Source) -> str:
    date = f", {source.date.isoformat()}" if source.date else ""
    return f"{what}: {source.text} ({source.kind.value}{date})"
