"""The tensors that lie in a compute buffer when it is fullest."""

from dataclasses import dataclass

from shared.engines.llama_cpp.compute import Reservation, scheduled
from shared.engines.llama_cpp.graph.allocator import Allocation, Bounds
from shared.engines.llama_cpp.graph.tensor import GraphTensor


@dataclass(frozen=True, slots=True, kw_only=True)
class AtPeak:
    """How far the allocator reaches in one place, and what it holds there when it first does."""

    size_bytes: int
    tensors: tuple[GraphTensor, ...]


class _Witness(Allocation):
    """The allocation, watched in one place."""

    def __init__(self, bounds: Bounds, place: int) -> None:
        super().__init__(bounds)
        self.seen = AtPeak(size_bytes=0, tensors=())
        self._watched = place

    def _place(self, tensor: GraphTensor) -> None:
        super()._place(tensor)
        slot = self._slots.get(tensor)
        if slot is None or not slot.held or slot.place != self._watched:
            return
        end = slot.offset + tensor.size_bytes
        if end > self.seen.size_bytes:
            held = (one for one, own in self._slots.items() if own.held and own.place == self._watched)
            self.seen = AtPeak(size_bytes=end, tensors=tuple(held))


def at_peak(asked: Reservation, cells: int, place: int) -> AtPeak:
    """What fills the compute buffer of this place at its fullest, with caches of this many cells."""
    bounds = Bounds(cells, cells, cells)
    witness = _Witness(bounds, place)
    plan = scheduled(asked, cells)
    witness.run(plan.nodes, plan.first)
    return witness.seen
