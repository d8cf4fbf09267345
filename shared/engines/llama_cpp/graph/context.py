"""What the graph's builders share: the sizes of one run, its inputs, and small constructors in ggml's words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.catalog.rows import Shape
from shared.engines.llama_cpp.graph.tensor import F16, F32, HOST, I32, I64, Graph, GraphTensor, written_into
from shared.memory.gguf_types import GGUF_TYPES
from shared.memory.tensor import Role

_EXPERTS: Final = frozenset({Role.EXPERT_GATE, Role.EXPERT_UP, Role.EXPERT_DOWN})


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
        key_type: Of the cache; `value_type` of its values.
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
    key_type: str
    value_type: str
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
    """A graph under construction.

    Attributes:
        host_weights: Bytes of every weight matrix by layer and role, given when a GPU computes with weights that
            stay on the host and so copies them; None when every place computes with its own.
        place: Where the current layer's weights lie; `expert_place` where its routed experts do, `cache_place` where
            the cache is that it reads (an earlier layer's, where layers share one).
        layer: The current layer; -1 outside the layers.
        left_out: Layers left out of the graph just before the current one.
        layer_norm: See Traits.
    """

    shape: Shape
    sizes: RunSizes
    host_weights: Mapping[tuple[int, Role], int] | None = None
    graph: Graph = field(default_factory=Graph)
    place: int = 0
    expert_place: int = 0
    cache_place: int = 0
    layer: int = -1
    left_out: int = 0
    layer_norm: bool = False

    def multiply(self, source: GraphTensor, rows: int, role: Role) -> GraphTensor:
        """The weight matrix of this role, of `rows` outputs, times `source` of two dimensions."""
        return self.weighted((rows, source.shape[1]), (source,), role)

    def weighted(self, shape: tuple[int, ...], sources: tuple[GraphTensor, ...], role: Role) -> GraphTensor:
        """A product with the weight matrix (or matrices) of this role."""
        place = self.expert_place if role in _EXPERTS else self.place
        copied = self.host_weights.get((self.layer, role), 0) if self.host_weights and place == HOST else 0
        return GraphTensor(shape, sources, home=place, weight_bytes=copied)

    def with_weight(self, source: GraphTensor, *more: GraphTensor, expert: bool = False) -> GraphTensor:
        """Element by element with a weight vector (a norm's scale, a bias): in place."""
        place = self.expert_place if expert else self.place
        copied = source.shape[0] * F32 if self.host_weights and place == HOST else 0
        return GraphTensor(source.shape, (source, *more), inplace=True, home=place, weight_bytes=copied)

    def cached(self, cache: CacheInputs, width: int, cache_type: str) -> GraphTensor:
        """The cache as attention reads it: copied if that runs elsewhere, 32 bits made 16 for flash attention."""
        stored = GraphTensor((0,))
        stored.shape = (width, cache.cells, self.sizes.streams)
        per_cell = GGUF_TYPES[cache_type].row_bytes(width) * self.sizes.streams
        stored.size_bytes, stored.bytes_per_cell = per_cell * cache.cells, per_cell if cache.grows else 0
        stored.is_external = stored.visited = True
        stored.place = self.cache_place
        if cache_type != "f32" or not self.sizes.flash_attention:
            return stored
        halves = GraphTensor(stored.shape, (stored,), element_bytes=F16)
        return halves.per_cell(cache.cells) if cache.grows else halves

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

    def in_cache(self, source: GraphTensor | None = None) -> GraphTensor:
        """An operation whose result lies in the cache: a state cleared, or copied there from `source`."""
        tensor = GraphTensor((0,), () if source is None else (source,), home=self.place)
        tensor.view_of = CACHE
        return tensor

    def cache_inputs(
        self,
        *,
        window: bool,
        values: int,
        rotations: tuple[int, int] = (0, 0),
        latent: bool = False,
        half_mask: bool = False,
    ) -> CacheInputs:
        """Inputs of the cache of full or windowed layers.

        Args:
            window: Of windowed layers.
            values: The widest value row.
            rotations: Rows of the matrices that rotate keys and values; 0 for none.
            latent: Values are part of the keys.
            half_mask: The mask is of 16 bits even without flash attention.
        """
        sizes = self.sizes
        cells = sizes.window_cells if window else sizes.cells
        grows = sizes.window_grows if window else True
        value_rows = 1 if sizes.flash_attention else values
        mask = self.input(
            (cells, sizes.tokens // sizes.streams, 1, sizes.streams),
            F16 if sizes.flash_attention or half_mask else F32,
        )
        if grows:
            mask.per_cell(cells)
        return CacheInputs(
            key_indices=self.input((sizes.tokens,), I64),
            value_indices=None if latent else self.input((sizes.tokens * value_rows,), I64),
            mask=mask,
            cells=cells,
            grows=grows,
            key_rotation=self._rotation(rotations[0]),
            value_rotation=self._rotation(rotations[1]),
        )

    def _rotation(self, rows: int) -> GraphTensor | None:
        return self.input((rows, rows), F32) if rows else None

    def positions(self, per_token: int = 1) -> GraphTensor:
        """The position of every token (four numbers where rotation has sections)."""
        return self.input((self.sizes.tokens * per_token,), I32)


CACHE = GraphTensor((0,))  # stands for memory that is not in the compute buffer
CACHE.visible = False
