"""Other hardware and other models: the smallest card that does it, a slice of one, a smaller model."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu, MigProfile, Model, Quantization
from shared.estimator import Estimate
from shared.planner.case import DEFAULT_CONTEXT_TOKENS, Case
from shared.planner.current_models import current_models, specialities
from shared.planner.engine_choice import engine_for
from shared.planner.fit import attempt_case
from shared.planner.parallelism import fewest_gpus
from shared.planner.quantizations import about_four_bits_or_better, ladder, surely_too_large

_NEIGHBOURS: Final = {
    "datacenter": ("datacenter", "workstation"),
    "workstation": ("workstation", "datacenter"),
    "consumer": ("consumer", "workstation", "datacenter"),
    "laptop": ("consumer", "workstation", "datacenter"),
    "embedded": ("embedded", "workstation", "datacenter"),
    "apu": ("apu", "consumer", "workstation"),
}
_OLDEST_CAPABILITY: Final = (7, 5)
_ITS_TIME: Final = timedelta(days=200)
# A slice or a smaller card is worth naming when less than this share of the card would be used.
_WASTE_SHARE: Final = 0.5


def smallest_gpu(
    case: Case, quantization: Quantization, catalog: Catalog, *, skip: frozenset[str] = frozenset()
) -> Estimate | None:
    """The smallest single card that holds the case in this quantization, of the kinds one would consider instead."""
    for gpu in _candidates(case.gpu, catalog):
        if gpu.id in skip:
            continue
        engine = engine_for(quantization, gpu, case.engine)
        if engine is None or surely_too_large(case.on(gpu), quantization):
            continue
        tried = attempt_case(case.on(gpu), quantization, engine, catalog)
        if tried.fits:
            return tried.estimate
    return None


def least_owned(
    case: Case, quantization: Quantization, catalog: Catalog, *, skip: frozenset[str] = frozenset()
) -> Estimate | None:
    """The least of our own GPUs, within one node, that holds the case; None where no kind of ours does."""
    found = []
    for kind in case.owned:
        engine = engine_for(quantization, kind.gpu, case.engine)
        too_large = surely_too_large(case.on(kind.gpu, kind.per_node), quantization)
        if engine is None or too_large or kind.gpu.id in skip:
            continue
        enough = fewest_gpus(case.on(kind.gpu), quantization, engine, catalog, most=kind.per_node)
        if enough is not None and enough[1].estimate is not None:
            found.append(enough[1].estimate)
    return min(found, key=lambda one: (sum(one.capacity_bytes), len(one.gpus)), default=None)


def smaller_model(case: Case, catalog: Catalog, *, same_family: bool) -> Estimate | None:
    """The largest smaller model that fits the asked hardware at about 4 bits or better, in its best quantization."""
    for model in _smaller_models(case.model, catalog, same_family=same_family):
        context = min(case.context_tokens, model.context_tokens)
        if context < min(case.context_tokens, DEFAULT_CONTEXT_TOKENS):
            continue
        found = best_healthy(replace(case, model=model, context_tokens=context, quantization=None), catalog)
        if found is not None:
            return found
    return None


def best_healthy(case: Case, catalog: Catalog) -> Estimate | None:
    """The best quantization of at least about 4 bits that fits the case's hardware."""
    for quantization, engine in ladder(case, catalog):
        if not about_four_bits_or_better(quantization, case.model, catalog) or surely_too_large(
            case, quantization
        ):
            continue
        tried = attempt_case(case, quantization, engine, catalog)
        if tried.fits:
            return tried.estimate
    return None


def slice_of(gpu: Gpu, profile: MigProfile) -> Gpu:
    """A MIG slice as a GPU: its own memory, and the card's bandwidth in proportion to it."""
    kept_back = gpu.memory_total_bytes - gpu.memory_usable_bytes
    share = profile.memory_bytes / gpu.memory_total_bytes
    return replace(
        gpu,
        id=f"{gpu.id}-mig-{profile.name.replace('+', '-')}",
        name=f"{gpu.name} MIG {profile.name}",
        memory_total_bytes=profile.memory_bytes,
        memory_usable_bytes=profile.memory_bytes - int(kept_back * share),
        memory_usable_measured=False,
        bandwidth_bytes_per_second=int(gpu.bandwidth_bytes_per_second * min(1.0, share)),
        mig_profiles=(),
    )


def is_waste(found: Estimate) -> bool:
    """Whether less than half of the fullest GPU would be used."""
    used = max(device.total_bytes for device in found.breakdown.per_gpu)
    return used < _WASTE_SHARE * min(found.capacity_bytes)


def _candidates(asked: Gpu, catalog: Catalog) -> Iterator[Gpu]:
    """Cards to consider instead, smallest first, then cheapest: those somebody rents out, else all."""
    kinds = _NEIGHBOURS[asked.segment]
    if asked.vendor == "apple":
        rows = [gpu for gpu in catalog.gpus.values() if gpu.vendor == "apple"]
    else:
        rentable = {price.gpu for price in catalog.prices.values()}
        rows = [
            gpu
            for gpu in catalog.gpus.values()
            if gpu.vendor == asked.vendor
            and gpu.segment in kinds
            and (not rentable or gpu.id in rentable)
            and (gpu.compute_capability or _OLDEST_CAPABILITY) >= _OLDEST_CAPABILITY
        ]
    price = {gpu.id: _price_per_hour(gpu, catalog) for gpu in rows}
    yield from sorted(
        (gpu for gpu in rows if gpu.id != asked.id), key=lambda gpu: (gpu.memory_marketed_gb, price[gpu.id])
    )


def _price_per_hour(gpu: Gpu, catalog: Catalog) -> float:
    return min((row.usd_per_gpu_hour for row in catalog.prices.values() if row.gpu == gpu.id), default=1e9)


def _smaller_models(model: Model, catalog: Catalog, *, same_family: bool) -> list[Model]:
    """Smaller models, largest first: of the family those of its time, of other families what is current."""
    rows = catalog.models.values() if same_family else current_models(catalog)
    oldest = (model.released - _ITS_TIME).toordinal() if model.released and same_family else 0
    smaller = [
        row
        for row in rows
        if (row.family == model.family) is same_family
        and row.parameters < 0.95 * model.parameters
        and row.shape.kind == model.shape.kind
        and specialities(row) <= specialities(model)
        and (row.released.toordinal() if row.released else 0) >= oldest
    ]
    return sorted(smaller, key=lambda row: _likeness(row, model))


def _likeness(row: Model, model: Model) -> tuple[bool, int, int]:
    """Made for the same work first, then the largest, then the newest."""
    released = row.released.toordinal() if row.released else 0
    return specialities(row) != specialities(model), -row.parameters, -released
