"""How llama.cpp's scheduler splits a graph over places: who computes what, and which tensors are copied across.

ggml_backend_sched_split_graph of ggml-backend.cpp:
https://github.com/ggml-org/llama.cpp/blob/0c1e57098/ggml/src/ggml-backend.cpp#L1013
"""

from collections.abc import Iterable, Sequence

from shared.engines.llama_cpp.graph.tensor import HOST, Graph, GraphTensor


def assign_places(graph: Graph) -> None:
    """Give every node a place: where its weights are, else where its neighbours on a GPU are, else the host."""
    for tensor in graph.inputs:
        tensor.place = HOST
    nodes = [node for node in graph.nodes if node.computed]
    places: list[int | None] = [node.home for node in nodes]
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


def with_copies(graph: Graph) -> list[GraphTensor]:
    """The nodes in order, with copies of what a place needs from another inserted where its part begins.

    Sources are rewritten to point at the copies.
    """
    result: list[GraphTensor] = []
    copies: dict[tuple[GraphTensor, int], GraphTensor] = {}
    for part in _parts(graph.nodes):
        place = next((node.place for node in part if node.computed), HOST)
        moved: list[GraphTensor] = []
        for node in part:
            if not node.computed:
                continue
            if any(source.place != place for source in node.sources):
                node.sources = tuple(_local(source, place, copies, moved) for source in node.sources)
        for original in moved:
            dependency = GraphTensor((0,), (original,))
            dependency.is_dependency = True
            result += (dependency, copies[original, place])
        result += part
    return result


def _local(
    source: GraphTensor,
    place: int,
    copies: dict[tuple[GraphTensor, int], GraphTensor],
    moved: list[GraphTensor],
) -> GraphTensor:
    """The tensor itself where it is at hand, else its copy."""
    if source.place == place:
        return source
    copy = copies.get((source, place))
    if copy is None:
        copy = copies[source, place] = GraphTensor(source.shape)  # a copied view is 4 bytes an element
        copy.place = place
        if source.view_of is None:
            copy.size_bytes, copy.bytes_per_cell = source.size_bytes, source.bytes_per_cell
        moved.append(source)
    return copy


def _parts(nodes: Sequence[GraphTensor]) -> list[list[GraphTensor]]:
    """Runs of nodes computed in the same place; views go with the run they stand in."""
    parts: list[list[GraphTensor]] = [[]]
    current: int | None = None
    for node in nodes:
        if node.computed and current is not None and node.place != current:
            parts.append([])
        if node.computed:
            current = node.place
        parts[-1].append(node)
    return [part for part in parts if part]
