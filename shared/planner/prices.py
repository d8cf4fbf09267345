"""What the GPUs of an option cost by the hour, at the cheapest provider we have a dated price of."""

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.planner.plan import Price
from shared.units import ceil_div


def cheapest_price(gpu: Gpu, gpu_count: int, catalog: Catalog) -> Price | None:
    """The lowest on-demand price for this many, whole instances paid; None when we know of no offer.

    Eight of one price beat four of a lower one that are only sold as sixteen: what is paid counts.
    """
    offers = [row for row in catalog.prices.values() if row.gpu == gpu.id]
    if not offers:
        return None

    def paid(per_instance: int, per_gpu: float) -> float:
        return per_gpu * per_instance * ceil_div(gpu_count, per_instance)

    best = min(offers, key=lambda row: paid(row.gpus_per_instance, row.usd_per_gpu_hour))
    return Price(
        usd_per_hour=round(paid(best.gpus_per_instance, best.usd_per_gpu_hour), 2),
        provider=best.provider,
        as_of=best.as_of.isoformat(),
    )
