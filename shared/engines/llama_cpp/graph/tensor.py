"""One tensor of a compute graph, and the graph that orders tensors as llama.cpp would compute them."""

from typing import Final

HOST: Final = -1  # a place; GPUs count from 0
ALIGNMENT: Final = 32  # of every tensor in a compute buffer: TENSOR_ALIGNMENT of ggml-impl.h
F32: Final = 4
F16: Final = 2
I32: Final = 4
I64: Final = 8


class GraphTensor:
    """A tensor that llama.cpp's graph allocator would place.

    Attributes:
        shape: ggml's four dimensions, innermost first.
        size_bytes: Aligned; 0 for views.
        bytes_per_cell: How the size grows with the cells of the KV cache; 0 for most.
        sources: What it is computed from; weights and the KV cache itself are left out.
        view_of: The tensor whose memory a view shares (never itself a view).
        inplace: Whether it may take over the memory of a source of the same layout.
        home: The place its weights or cache tie it to; None where the scheduler chooses.
        weight_bytes: Of weights on the host that a GPU would copy to compute this; 0 where nothing is copied.
        is_constant: An input that no program fills before each run (zeros); pipelines keep one of it.
        is_external: Memory outside the compute buffers (the KV cache); only copies of it count.
    """

    __slots__ = (
        "bytes_per_cell", "computed", "contiguous", "home", "inplace", "is_constant", "is_copy", "is_dependency",
        "is_external", "is_input", "is_output", "place", "shape", "size_bytes", "sources", "view_of", "visible",
        "visited", "weight_bytes",
    )  # fmt: skip

    def __init__(
        self,
        shape: tuple[int, ...],
        sources: tuple["GraphTensor", ...] = (),
        *,
        element_bytes: int = F32,
        inplace: bool = False,
        home: int | None = None,
        weight_bytes: int = 0,
    ) -> None:
        self.shape = shape
        count = 1
        for extent in shape:
            count *= extent
        self.size_bytes = -(-count * element_bytes // ALIGNMENT) * ALIGNMENT
        self.sources = sources
        self.inplace = inplace
        self.home = home
        self.weight_bytes = weight_bytes
        self.bytes_per_cell = 0
        self.view_of: GraphTensor | None = None
        self.contiguous = True
        self.computed = True
        self.is_input = False
        self.is_constant = False
        self.is_copy = False
        self.is_dependency = False
        self.is_external = False
        self.is_output = False
        self.place = HOST
        self.visible = True
        self.visited = False

    def per_cell(self, cells: int) -> "GraphTensor":
        """The same tensor, marked as growing with the cache: its size is a multiple of `cells`."""
        self.bytes_per_cell = self.size_bytes // cells
        return self


def view(
    source: GraphTensor,
    shape: tuple[int, ...],
    contiguous: bool = True,
) -> GraphTensor:
    """A reshape, permutation or part of `source`, without memory of its own."""
    tensor = GraphTensor((0,), (source,))
    tensor.shape = shape
    tensor.view_of = source.view_of or source
    tensor.contiguous = contiguous
    tensor.computed = False
    return tensor


def written_into(
    target: GraphTensor, rows: GraphTensor, indices: GraphTensor, *, home: int | None = None
) -> GraphTensor:
    """Rows written into `target` at these indices (set_rows): computed, but in the target's memory."""
    tensor = GraphTensor((0,), (rows, indices, target) if target.visible else (rows, indices), home=home)
    tensor.shape = target.shape
    tensor.view_of = target.view_of or target
    return tensor


class Graph:
    """Tensors in the order ggml computes them: depth first from each that is asked for, sources left to right."""

    def __init__(self) -> None:
        self.nodes: list[GraphTensor] = []
        self.inputs: list[GraphTensor] = []

    def expand(self, *tensors: GraphTensor) -> None:
        """Append these and everything they need (ggml_build_forward_expand)."""
        for tensor in tensors:
            self._visit(tensor)

    def input(self, shape: tuple[int, ...], element_bytes: int) -> GraphTensor:
        """A tensor the program fills before each run; it lives on the host and is listed when first used."""
        tensor = GraphTensor(shape, element_bytes=element_bytes)
        tensor.is_input = True
        return tensor

    def _visit(self, tensor: GraphTensor) -> None:
        if tensor.visited:
            return
        tensor.visited = True
        for source in tensor.sources:
            if not source.visited:
                self._visit(source)
        if tensor.is_input:
            self.inputs.append(tensor)
        else:
            self.nodes.append(tensor)


def same_layout(one: GraphTensor, other: GraphTensor) -> bool:
    """Whether one could be written over the other (ggml_are_same_layout)."""
    return one.shape == other.shape and one.contiguous and other.contiguous
