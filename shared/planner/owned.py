"""GPUs that are ours already: what runs on them is offered before anything that has to be found first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from shared.catalog.rows import Gpu
from shared.planner.plan import Option, OptionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedGpu:
    """One kind of GPU in our fleet.

    Attributes:
        total: How many of them we have.
        nodes: On how many nodes.
        per_node: How many the node with most of them has: an engine's GPUs lie in one node.
    """

    gpu: Gpu
    total: int
    nodes: int
    per_node: int

    @property
    def words(self) -> str:
        """As in "8 on 2 nodes"."""
        return f"{self.total} on {'one node' if self.nodes == 1 else f'{self.nodes} nodes'}"


Owned = tuple[OwnedGpu, ...]


def marked(options: Iterable[Option], owned: Owned) -> Iterator[Option]:
    """The options; other hardware than was named that is ours says so, and does not say what renting it would cost."""
    for one in options:
        kind = next((kind for kind in owned if kind.gpu.id == one.gpu.id), None)
        is_other = one.kind in (OptionKind.MORE_GPUS, OptionKind.OTHER_GPU)
        is_ours = kind is not None and is_other and one.gpu_count <= kind.per_node
        yield replace(one, ours=kind.words, price=None) if kind and is_ours else one
