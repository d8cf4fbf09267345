"""llama.cpp's graph allocator, run on sizes alone: how large the compute buffer of each place becomes.

The rules are ggml-alloc.c's: a tensor takes over a source's memory where it can, else the smallest free block that
holds it, else the end of the buffer; its memory is free again after its last use.
https://github.com/ggml-org/llama.cpp/blob/0c1e57098/ggml/src/ggml-alloc.c#L609

Every size is linear in the cells of the KV cache, so a run at one number of cells also says between which numbers of
cells every decision it made would be the same: within them, the peak is the largest of a few linear functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.engines.llama_cpp.graph.tensor import GraphTensor, same_layout

_ENDLESS = 1 << 62


@dataclass(frozen=True, slots=True)
class Peak:
    """The size of one place's compute buffer as a function of the cells, within the run's bounds."""

    lines: tuple[tuple[int, int], ...]  # (bytes at zero cells, bytes per cell)

    def at(self, cells: int) -> int:
        """Bytes of the buffer at this many cells."""
        return max(base + slope * cells for base, slope in self.lines)


class Bounds:
    """The numbers of cells for which every comparison made so far has the same answer."""

    __slots__ = ("cells", "high", "low")

    def __init__(self, cells: int, low: int, high: int) -> None:
        self.cells, self.low, self.high = cells, low, high

    def at_least(self, size: int, slope: int, other_size: int, other_slope: int) -> bool:
        """Whether size >= other_size, remembering where that would change."""
        difference, change = size - other_size, slope - other_slope
        answer = difference >= 0
        if change:
            # the cells at which the difference crosses zero, relative to ours
            if answer:
                if change < 0:
                    self.high = min(self.high, self.cells + difference // -change)
                else:
                    self.low = max(self.low, self.cells - difference // change)
            elif change > 0:
                self.high = min(self.high, self.cells + (-difference - 1) // change)
            else:
                self.low = max(self.low, self.cells - (-difference - 1) // -change)
        return answer


class Buffer:
    """The compute buffer of one place: free blocks by offset, the last one endless."""

    __slots__ = ("bounds", "free", "tops")

    def __init__(self, bounds: Bounds) -> None:
        # each block: [offset, offset per cell, size, size per cell]
        self.free: list[list[int]] = [[0, 0, _ENDLESS, 0]]
        self.tops: set[tuple[int, int]] = set()
        self.bounds = bounds

    def take(self, size: int, slope: int) -> tuple[int, int]:
        """The offset of a new tensor of this size: best fit, the last of equals."""
        free, at_least = self.free, self.bounds.at_least
        best = -1
        best_size = best_slope = 0
        for index in range(len(free) - 1):
            _, _, block_size, block_slope = free[index]
            if at_least(block_size, block_slope, size, slope) and (
                best < 0 or at_least(best_size, best_slope, block_size, block_slope)
            ):
                best, best_size, best_slope = index, block_size, block_slope
        block = free[best] if best >= 0 else free[-1]
        offset, offset_slope = block[0], block[1]
        block[0] += size
        block[1] += slope
        block[2] -= size
        block[3] -= slope
        if block[2] == 0:
            free.remove(block)
        self.tops.add((offset + size, offset_slope + slope))
        return offset, offset_slope

    def give_back(self, offset: int, offset_slope: int, size: int, slope: int) -> None:
        """Free a tensor's memory, merging it with the free blocks it touches."""
        free, end = self.free, offset + size
        for index, block in enumerate(free):
            if block[0] + block[2] == offset:
                block[2] += size
                block[3] += slope
                if index + 1 < len(free) and end == free[index + 1][0]:
                    following = free.pop(index + 1)
                    block[2] += following[2]
                    block[3] += following[3]
                return
            if end == block[0]:
                block[0], block[1] = offset, offset_slope
                block[2] += size
                block[3] += slope
                return
            if block[0] > offset:
                free.insert(index, [offset, offset_slope, size, slope])
                return

    def peak(self) -> Peak:
        """The upper envelope of all the buffer's ends, over the bounds."""
        cells = self.bounds.cells
        lines = [(top - slope * cells, slope) for top, slope in self.tops] or [(0, 0)]
        return Peak(_envelope(lines, self.bounds.low, self.bounds.high))


def _envelope(lines: list[tuple[int, int]], low: int, high: int) -> tuple[tuple[int, int], ...]:
    """The lines that are the largest somewhere between low and high, walking from one to the next that overtakes it."""
    base, slope = max(lines, key=lambda line: (line[0] + line[1] * low, line[1]))
    kept = [(base, slope)]
    while True:
        steeper = [line for line in lines if line[1] > slope]
        if not steeper:
            break
        # where each steeper line crosses the current one; the first to cross leads from there
        crossing, (next_base, next_slope) = min(
            (((base - other_base) / (other_slope - slope)), (other_base, other_slope))
            for other_base, other_slope in steeper
        )
        if crossing > high:
            break
        base, slope = next_base, next_slope
        kept.append((base, slope))
    return tuple(kept)


class _Slot:
    """Where a tensor lies and how often it is still needed."""

    __slots__ = ("held", "offset", "place", "slope", "uses", "views")

    def __init__(self) -> None:
        self.uses = 0
        self.views = 0
        self.held = False
        self.place = 0
        self.offset = 0
        self.slope = 0


class Allocation:
    """One run over a graph whose tensors know their places."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.buffers: dict[int, Buffer] = {}
        self._slots: dict[GraphTensor, _Slot] = {}

    def run(self, nodes: Sequence[GraphTensor], inputs: Sequence[GraphTensor]) -> None:
        """Place every tensor, freeing each after its last use."""
        for tensor in inputs:
            self._place(tensor)
        self._count_uses(nodes)
        for node in nodes:
            self._place(node)
            for source in node.sources:
                self._used(source)

    def _slot(self, tensor: GraphTensor) -> _Slot:
        slot = self._slots.get(tensor)
        if slot is None:
            slot = self._slots[tensor] = _Slot()
        return slot

    def _count_uses(self, nodes: Sequence[GraphTensor]) -> None:
        for node in nodes:
            if node.view_of is not None and not node.is_dependency:
                self._slot(node.view_of).views += 1
            for source in node.sources:
                self._slot(source).uses += 1

    def _place(self, tensor: GraphTensor) -> None:
        if tensor.view_of is not None or tensor.is_dependency or tensor.is_external:
            return
        slot = self._slot(tensor)
        if slot.held:
            return
        slot.held = True
        if tensor.inplace and self._take_over(tensor, slot):
            return
        place = tensor.place
        buffer = self.buffers.get(place)
        if buffer is None:
            buffer = self.buffers[place] = Buffer(self.bounds)
        slot.place = place
        slot.offset, slot.slope = buffer.take(tensor.size_bytes, tensor.bytes_per_cell)

    def _take_over(self, tensor: GraphTensor, slot: _Slot) -> bool:
        """Reuse the memory of a source that nothing else needs."""
        for source in tensor.sources:
            if source.view_of is not None or source.is_output or not same_layout(tensor, source):
                continue  # the allocator does not follow views here
            held = self._slots[source]
            if not held.held or held.uses != 1 or held.views:
                continue
            slot.place, slot.offset, slot.slope = held.place, held.offset, held.slope
            held.held = False  # ours now: its own last use must not free it
            return True
        return False

    def _used(self, source: GraphTensor) -> None:
        slot = self._slots[source]
        slot.uses -= 1
        if slot.uses or slot.views:
            return
        owner = source
        if source.view_of is not None:
            owner = source.view_of
            slot = self._slots[owner]
            slot.views -= 1
            if slot.uses or slot.views:
                return
        if slot.held and not owner.is_output:
            self.buffers[slot.place].give_back(
                slot.offset, slot.slope, owner.size_bytes, owner.bytes_per_cell
            )
            slot.held = False
