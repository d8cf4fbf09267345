"""What the graph's builders share: the sizes of one run, its inputs, and small constructors in ggml's words."""

from dataclasses import dataclass, field

from shared.catalog.rows import Shape
from shared.engines.llama_cpp.graph.tensor import F16, F32, I32, I64, Graph, GraphTensor, written_into


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSizes:
    """The sizes that decide a graph, besides the model's.

    Attributes:
        tokens: Of one micro batch.
        outputs: Logits rows.
        sequences: Slots.
        streams: Parts of the KV cache: 1 when unified, else one per sequence.
        cells: Of a full layer's cache, per stream.
        window_cells: Of a windowed layer's cache, per stream.
        window_grows: Whether window_cells equal cells because the context is still that short.
        key_element_bytes: Of an unquantized key cache.
        rotate_keys: Rows of the rotation applied to quantized keys; 0 for none. `rotate_values` likewise.
        mixed_inputs: Whether tokens and embeddings may come in one batch (0.6 and after).
    """

    tokens: int
    outputs: int
    sequences: int
    streams: int
    cells: int
    window_cells: int
    window_grows: bool
    flash_attention: bool
    key_element_bytes: int = F16
    rotate_keys: int
    rotate_values: int
    mixed_inputs: bool


@dataclass(slots=True)
class CacheInputs:
    """The inputs of one cache: where to write, what to hide, and the rotations of quantized halves."""

    key_indices: GraphTensor
    value_indices: GraphTensor | None
    mask: GraphTensor
    cells: int
    grows: bool
    key_rotation: GraphTensor | None = None
    value_rotation: GraphTensor | None = None


@dataclass(slots=True)
class GraphContext:
    """A graph under construction. `place` is where the current layer's weights lie."""

    shape: Shape
    sizes: RunSizes
    graph: Graph = field(default_factory=Graph)
    place: int = 0
    layer_norm: bool = False

    def multiply(self, source: GraphTensor, rows: int, *, weight_bytes: int = 0) -> GraphTensor:
        """A weight matrix of `rows` outputs times `source` of two dimensions."""
        return GraphTensor((rows, source.shape[1]), (source,), home=self.place, weight_bytes=weight_bytes)

    def with_weight(self, source: GraphTensor, *more: GraphTensor) -> GraphTensor:
        """Element by element with a weight vector (a norm's scale, a bias): in place."""
        return GraphTensor(source.shape, (source, *more), inplace=True, home=self.place)

    def elementwise(self, *sources: GraphTensor) -> GraphTensor:
        """Element by element over computed tensors (add, scale, rope, softmax): in place where possible."""
        return GraphTensor(sources[0].shape, sources, inplace=True)

    def norm(self, source: GraphTensor, *, bias: bool | None = None) -> GraphTensor:
        """A norm with its weights; the norm itself runs wherever, the weights where they are."""
        normed = self.with_weight(GraphTensor(source.shape, (source,), inplace=not self.layer_norm))
        has_bias = self.shape.norm_bias if bias is None else bias
        return self.with_weight(normed) if has_bias else normed

    def input(self, shape: tuple[int, ...], element_bytes: int) -> GraphTensor:
        """A tensor filled by the program."""
        return self.graph.input(shape, element_bytes)

    def rows_of(self, source: GraphTensor, ids: GraphTensor, count: int) -> GraphTensor:
        """Pick `count` rows (get_rows)."""
        return GraphTensor((source.shape[0], count), (source, ids))

    def write(self, rows: GraphTensor, indices: GraphTensor) -> GraphTensor:
        """Write rows into the cache (set_rows): computed where the cache is, no memory of its own."""
        return written_into(CACHE, rows, indices, home=self.place)

    def cache_inputs(self, *, window: bool, values: int, latent: bool = False) -> CacheInputs:
        """Inputs of the cache of full or windowed layers. `values` is the widest value row."""
        sizes = self.sizes
        cells = sizes.window_cells if window else sizes.cells
        grows = sizes.window_grows if window else True
        value_rows = 1 if sizes.flash_attention else values
        mask = self.input(
            (cells, sizes.tokens // sizes.streams, 1, sizes.streams), F16 if sizes.flash_attention else F32
        )
        if grows:
            mask.per_cell(cells)
        return CacheInputs(
            key_indices=self.input((sizes.tokens,), I64),
            value_indices=None if latent else self.input((sizes.tokens * value_rows,), I64),
            mask=mask,
            cells=cells,
            grows=grows,
            key_rotation=self._rotation(0 if latent else sizes.rotate_keys),
            value_rotation=self._rotation(0 if latent else sizes.rotate_values),
        )

    def _rotation(self, rows: int) -> GraphTensor | None:
        return self.input((rows, rows), F32) if rows else None

    def positions(self, per_token: int = 1) -> GraphTensor:
        """The position of every token (four numbers where rotation has sections)."""
        return self.input((self.sizes.tokens * per_token,), I32)


CACHE = GraphTensor((0,))  # stands for memory that is not in the compute buffer
CACHE.visible = False
