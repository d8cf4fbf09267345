"""What the GPUs of an option cost by the hour, at the cheapest provider we have a dated price of."""

from shared.catalog.catalog import Catalog
from shared.catalog.rows import CloudPrice, Gpu
from shared.planner.plan import Price
from shared.units import ceil_div


def cheapest_price(gpu: Gpu, gpu_count: int, catalog: Catalog) -> Price | None:
    """The lowest on-demand price for this many, whole instances paid; None when we know of no offer."""
    best = cheapest_offer(gpu, gpu_count, catalog)
    if best is None:
        return None
    return Price(
        usd_per_hour=round(_paid(best, gpu_count), 2), provider=best.provider, as_of=best.as_of.isoformat()
    )


def cheapest_offer(gpu: Gpu, gpu_count: int, catalog: Catalog) -> CloudPrice | None:
    """The offer for which this many cost least.

    Eight of one price beat four of a lower one that are only sold as sixteen: what is paid counts.
    """
    offers = [row for row in catalog.prices.values() if row.gpu == gpu.id]
    return min(offers, key=lambda row: _paid(row, gpu_count), default=None)


def _paid(offer: CloudPrice, gpu_count: int) -> float:
    return offer.usd_per_gpu_hour * offer.gpus_per_instance * ceil_div(gpu_count, offer.gpus_per_instance)
