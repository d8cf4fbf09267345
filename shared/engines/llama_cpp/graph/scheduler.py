"""How llama.cpp's scheduler splits a graph over places: who computes what, and which tensors are copied across.

ggml_backend_sched_split_graph of ggml-backend.cpp:
https://github.com/ggml-org/llama.cpp/blob/0c1e57098/ggml/src/ggml-backend.cpp#L1013
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod
from typing import Final

from shared.engines.llama_cpp.graph.tensor import ALIGNMENT, F32, HOST, Graph, GraphTensor
from shared.units import pad

PIPELINE_COPIES: Final = 4  # GGML_SCHED_MAX_COPIES


@dataclass(slots=True)
class Schedule:
    """What the allocator runs over: tensors placed before anything else, then nodes in order."""

    first: list[GraphTensor] = field(default_factory=list)
    nodes: list[GraphTensor] = field(default_factory=list)


def schedule(graph: Graph, *, pipeline: bool = False) -> Schedule:
    """Give every tensor a place and insert the copies that places need from each other.

    Args:
        graph: The graph; its tensors' sources are rewritten to point at copies.
        pipeline: Several GPUs work on batches in turn, so every copy and every input exists four times and stays.
    """
    _assign_places(graph)
    plan = _Splitter().split(graph.nodes)
    if pipeline:
        kept = [tensor for tensor in plan.nodes if tensor.is_copy]
        plan.first = _kept_copies(graph.inputs, kept)
        plan.nodes = [tensor for tensor in plan.nodes if not tensor.is_copy]
    else:
        plan.first = graph.inputs
    return plan


def _kept_copies(inputs: list[GraphTensor], copies: list[GraphTensor]) -> list[GraphTensor]:
    """Inputs and copies, each four times, none ever freed; constants after them, once."""
    result: list[GraphTensor] = []
    constants = [tensor for tensor in inputs if tensor.is_constant]
    for tensor in (*(one for one in inputs if not one.is_constant), *copies):
        tensor.is_output = True
        result.append(tensor)
        result += [_twin(tensor) for _ in range(PIPELINE_COPIES - 1)]
    return [*result, *constants]


def _twin(tensor: GraphTensor) -> GraphTensor:
    twin = GraphTensor(tensor.shape)
    twin.size_bytes, twin.bytes_per_cell, twin.place = tensor.size_bytes, tensor.bytes_per_cell, tensor.place
    twin.is_output = True
    return twin


def _assign_places(graph: Graph) -> None:
    """Where its weights are, else where its neighbours on a GPU are, else the host.

    An operation on host weights that a GPU takes over (large batches) runs on the first GPU.
    """
    nodes = [node for node in graph.nodes if node.computed]
    places: list[int | None] = [0 if node.weight_bytes else node.home for node in nodes]
    _spread(places, range(len(nodes)), gpus_only=True)
    _spread(places, range(len(nodes) - 1, -1, -1), gpus_only=True)
    _spread(places, range(len(nodes)), gpus_only=False)
    _spread(places, range(len(nodes) - 1, -1, -1), gpus_only=False)
    for node, place in zip(nodes, places, strict=True):
        node.place = HOST if place is None else place
    for node in graph.nodes:
        if not node.computed and node.view_of is not None:
            node.place = node.view_of.place


def _spread(places: list[int | None], order: Iterable[int], *, gpus_only: bool) -> None:
    """Unplaced nodes join the nearest placed one before them in this order."""
    current: int | None = None
    for index in order:
        place = places[index]
        if place is None:
            places[index] = current
        else:
            current = None if gpus_only and place == HOST else place


def _spanned_bytes(part: GraphTensor, whole: GraphTensor) -> int:
    """Bytes of a copied view. A copy keeps the view's strides, so a part of every row takes the rows between too."""
    count, row = prod(part.shape), whole.shape[0]
    rows = prod(whole.shape[1:])
    if not part.contiguous and count < rows * row and count % rows == 0:
        count = (rows - 1) * row + count // rows
    return pad(count * F32, ALIGNMENT)


class _Splitter:
    """Walks the nodes, beginning a new part where the place changes; copies are made where a part begins."""

    def __init__(self) -> None:
        self._plan = Schedule()
        self._copies: dict[tuple[GraphTensor, int], GraphTensor] = {}
        self._part: list[GraphTensor] = []
        self._brought: list[GraphTensor] = []  # dependencies and copies of the part

    def split(self, nodes: list[GraphTensor]) -> Schedule:
        place: int | None = None
        for node in nodes:
            if node.computed:
                # host weights brought for earlier nodes are let go by beginning a new part
                if node.place != place or (node.weight_bytes and self._brought):
                    self._end_part()
                    place = node.place
                self._bring(node)
            self._part.append(node)
        self._end_part()
        return self._plan

    def _end_part(self) -> None:
        self._plan.nodes += self._brought
        self._plan.nodes += self._part
        self._part, self._brought = [], []

    def _bring(self, node: GraphTensor) -> None:
        """Copy what this node needs from elsewhere, and the host weights it multiplies by."""
        place = node.place
        if node.weight_bytes:
            weights = GraphTensor((node.weight_bytes,), element_bytes=1)
            weights.place, weights.is_copy = place, True
            self._brought.append(weights)
            node.sources = (weights, *(self._local(source, place) for source in node.sources))
        elif any(source.place != place for source in node.sources):
            node.sources = tuple(self._local(source, place) for source in node.sources)

    def _local(self, source: GraphTensor, place: int) -> GraphTensor:
        """The tensor itself where it is at hand, else its copy."""
        if source.place == place:
            return source
        copy = self._copies.get((source, place))
        if copy is None:
            copy = self._copies[source, place] = GraphTensor(source.shape)
            copy.place, copy.is_copy = place, True
            if source.view_of is None:
                copy.size_bytes, copy.bytes_per_cell = source.size_bytes, source.bytes_per_cell
            else:
                copy.size_bytes = _spanned_bytes(source, source.view_of)
            dependency = GraphTensor((0,), (source,))
            dependency.is_dependency = True
            self._brought += (dependency, copy)
        return copy
