"""The kinds of GPU our fleet has, for the planner to offer first (pure)."""

from collections import Counter

from bot.fleet import Fleet
from bot.room import recognize, row_of
from shared.catalog.catalog import Catalog
from shared.planner.owned import Owned, OwnedGpu


def owned_gpus(fleet: Fleet, catalog: Catalog) -> Owned:
    """Every kind the fleet has whole GPUs of, by the catalog's order.

    A node whose reading is stale still has its GPUs. Slices of a GPU are not whole ones.
    """
    by_name = recognize(catalog)
    on_nodes: dict[str, list[int]] = {}
    for node in fleet.nodes:
        kinds = Counter(row_of(gpu, by_name, catalog) for gpu in node.gpus)
        for kind, count in kinds.items():
            if kind is not None:
                on_nodes.setdefault(kind, []).append(count)
    return tuple(
        OwnedGpu(gpu=gpu, total=sum(counts), nodes=len(counts), per_node=max(counts))
        for gpu in catalog.gpus.values()
        if (counts := on_nodes.get(gpu.id))
    )
