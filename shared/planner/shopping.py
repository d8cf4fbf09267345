"""Questions about hardware to find: which GPU, the cheapest way, what fits on this one."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu, Quantization
from shared.estimator import Estimate
from shared.planner.alternatives import best_healthy, least_owned
from shared.planner.case import Case
from shared.planner.crowd import unfit_for_many
from shared.planner.current_models import current_models, models_for
from shared.planner.engine_choice import engine_for
from shared.planner.options import option
from shared.planner.owned import marked
from shared.planner.parallelism import fewest_gpus, usual_precisions
from shared.planner.plan import Option, OptionKind
from shared.units import gib

_MOST_GPUS: Final = 16
_ONE_NODE: Final = 8
_WITHOUT_NVLINK: Final = 4  # beyond that, cards that talk over PCIe spend their time talking
_READING_PACE: Final = 8.0  # tokens per second and user; people read at about half of that
_SEGMENTS: Final = ("consumer", "workstation", "datacenter")
_OLDEST: Final = (7, 5)


def which_gpu(case: Case, catalog: Catalog) -> list[Option]:
    """For each usual precision the least hardware that holds the case, our own first, one card before many."""
    ours: list[Option] = []
    found: list[Option] = []
    for quantization in _precisions(case, catalog):
        held = least_owned(case, quantization, catalog)
        if held is not None:
            kind = OptionKind.OTHER_GPU if len(held.gpus) == 1 else OptionKind.MORE_GPUS
            reason = f"The least of our own GPUs that holds {quantization.name}."
            ours.append(option(kind, held, catalog, reason=reason))
        enough = _least_hardware(case, quantization, catalog)
        if enough is None or (held is not None and enough.gpus == held.gpus):
            continue
        kind = OptionKind.OTHER_GPU if len(enough.gpus) == 1 else OptionKind.MORE_GPUS
        room = gib(sum(enough.capacity_bytes))
        reason = f"The least hardware that holds {quantization.name}: {room} in all."
        found.append(option(kind, enough, catalog, reason=reason))
    return list(marked((*ours, *found), case.owned))


def cheapest(case: Case, catalog: Catalog, only: Gpu | None) -> list[Option]:
    """Every rentable way to serve the case at 4 bits or better, the cheapest hour first, one per kind of GPU.

    Before them what our own GPUs do, which cost nothing more.
    Ways too slow to read along with do not count.
    """
    best: dict[str, Option] = {}
    for quantization in _precisions(case, catalog):
        for gpu in [only] if only else _rentable(catalog):
            if unfit_for_many(case, quantization, gpu):
                continue
            most = _ONE_NODE if gpu.nvlink_bytes_per_second else _WITHOUT_NVLINK
            for estimate in _held(case.on(gpu), quantization, catalog, most=most):
                kind = OptionKind.MORE_GPUS if len(estimate.gpus) > 1 else OptionKind.OTHER_GPU
                one = option(kind, estimate, catalog)
                known = best.get(gpu.id)
                if one.price and _fast_enough(one) and (known is None or _cost(one) < _cost(known)):
                    price = one.price
                    reason = f"{price.usd_per_hour:.2f} USD an hour at {price.provider} on {price.as_of}."
                    best[gpu.id] = replace(one, reason=reason)
    return [*_on_ours(case, catalog, only), *sorted(best.values(), key=_cost)]


def _on_ours(case: Case, catalog: Catalog, only: Gpu | None) -> Iterator[Option]:
    """The best precision that the least of our own GPUs holds and serves fast enough."""
    for quantization in _precisions(case, catalog):
        held = None if only else least_owned(case, quantization, catalog)
        if held is None or unfit_for_many(case, quantization, held.gpus[0]):
            continue
        kind = OptionKind.OTHER_GPU if len(held.gpus) == 1 else OptionKind.MORE_GPUS
        one = option(kind, held, catalog, reason="Our own GPUs: nothing to rent.")
        if _fast_enough(one):
            yield from marked((one,), case.owned)
            return


def _fast_enough(one: Option) -> bool:
    """Whether each user gets words at the pace of reading."""
    if one.speed is None:
        return True
    sequences = one.estimate.workload.sequences
    together = one.speed.together_tokens_per_second
    return (together / sequences if together else one.speed.tokens_per_second) >= _READING_PACE


def what_fits(like: Case, catalog: Catalog, purpose: str | None = None) -> list[Option]:
    """The largest current model of each family that fits these GPUs and stays healthy, largest first.

    With a purpose, of the models made for it; embedding models cut what is longer than they were made for.
    """
    found: list[Option] = []
    families: set[str] = set()
    for model in current_models(catalog) if purpose is None else models_for(purpose, catalog):
        context = like.context_tokens
        if model.shape.kind == "embedding" and not like.context_said:
            context = min(context, model.context_tokens)
        if model.family in families or model.context_tokens < context:
            continue
        estimate = best_healthy(replace(like, model=model, context_tokens=context), catalog)
        if estimate is None:
            continue
        families.add(model.family)
        made = f"model made for {purpose}" if purpose else "current model"
        reason = f"The largest {made} of the {model.family} family that fits and stays healthy."
        found.append(option(OptionKind.OTHER_MODEL, estimate, catalog, reason=reason))
    return found


def _cost(one: Option) -> float:
    return one.price.usd_per_hour if one.price else float("inf")


def _precisions(case: Case, catalog: Catalog) -> list[Quantization]:
    if case.quantization is not None:
        return [case.quantization]
    rows = {row.id: row for row, _ in usual_precisions(case, catalog)}
    return sorted(rows.values(), key=lambda row: row.rank)


def _rentable(catalog: Catalog) -> list[Gpu]:
    rentable = {price.gpu for price in catalog.prices.values()}
    return [
        gpu
        for gpu in catalog.gpus.values()
        if gpu.id in rentable
        and gpu.vendor == "nvidia"
        and gpu.segment in _SEGMENTS
        and (gpu.compute_capability or _OLDEST) >= _OLDEST
    ]


def _least_hardware(case: Case, quantization: Quantization, catalog: Catalog) -> Estimate | None:
    """One card, the smallest; else the fewest of whichever cards need the least memory in all."""
    rows = sorted(_rentable(catalog), key=lambda gpu: (gpu.memory_marketed_gb, gpu.segment != "consumer"))
    for gpu in rows:
        for estimate in _held(case.on(gpu), quantization, catalog, most=1):
            return estimate
    shared = [
        estimate
        for gpu in rows
        if gpu.segment == "datacenter"
        for estimate in _held(case.on(gpu), quantization, catalog)
    ]
    return min(shared, key=lambda one: (len(one.gpus), sum(one.capacity_bytes)), default=None)


def _held(
    case: Case, quantization: Quantization, catalog: Catalog, *, most: int = _MOST_GPUS
) -> Iterator[Estimate]:
    """The fewest of the case's GPU that hold it, if no more than `most`."""
    engine = engine_for(quantization, case.gpu, case.engine)
    if engine is None:
        return
    enough = fewest_gpus(case, quantization, engine, catalog, most=most)
    if enough is not None and enough[1].estimate is not None:
        yield enough[1].estimate
