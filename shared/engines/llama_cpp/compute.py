"""llama.cpp's compute buffers for a placed workload: the graph is run once, its result holds for many contexts."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.catalog.rows import LayerKind, Model, Shape
from shared.engines.llama_cpp.graph.allocator import Allocation, Bounds, Peak
from shared.engines.llama_cpp.graph.context import RunSizes
from shared.engines.llama_cpp.graph.model import LayerPlan, model_graph
from shared.engines.llama_cpp.graph.sample import sampled
from shared.engines.llama_cpp.graph.scheduler import Schedule, schedule
from shared.engines.llama_cpp.place import Placement
from shared.engines.llama_cpp.quantizer import stored_tensors
from shared.engines.llama_cpp.settings import CELL_PADDING, MOST_CELLS, Settings
from shared.memory.feed_forward_tensors import is_mixture_layer
from shared.memory.placement import HOST
from shared.memory.side_path_tensors import SPARSE_LAYERS, has_side_paths
from shared.memory.tensor import Role
from shared.memory.tensors import kv_heads

_OFFLOAD_BATCH: Final = 32  # GPUs take over operations on host weights from this batch on: ggml-cuda.cu


@dataclass(frozen=True, slots=True)
class Reservation:
    """What decides the graph, besides the cells of the cache.

    Attributes:
        mix: The GGUF mix where its matrices are copied to a GPU; empty where that never happens, so that all mixes
            of a model share their runs.
        places: The place of every layer, then of the output layer.
        expert_layers_on_host: Routed experts of this many first layers stay on the host.
        window_cells: Of windowed layers; 0 while they grow with the context.
    """

    model: Model
    mix: str
    places: tuple[int, ...]
    expert_layers_on_host: int
    pipeline: bool
    tokens: int
    outputs: int
    sequences: int
    streams: int
    window_cells: int
    window_limit: int
    flash_attention: bool
    key_type: str
    value_type: str
    mixed_inputs: bool


@dataclass(frozen=True, slots=True)
class _Run:
    """Peaks of every place, for cells from `low` to `high`."""

    low: int
    high: int
    peaks: tuple[tuple[int, Peak], ...]


def reservation(
    model: Model, mix: str, settings: Settings, placed: Placement, *, takes_over: bool
) -> Reservation:
    """What the graph of these settings follows from.

    Args:
        model: The model.
        mix: Its GGUF mix.
        settings: The resolved settings.
        placed: Where layers and experts lie.
        takes_over: There is a GPU that computes large batches with weights that lie on the host, copying them.
    """
    on_host = HOST in placed.places or placed.expert_layers_on_host > 0
    return Reservation(
        model=model,
        mix=mix if takes_over and on_host and settings.tokens >= _OFFLOAD_BATCH else "",
        places=placed.places,
        expert_layers_on_host=placed.expert_layers_on_host,
        pipeline=placed.pipeline,
        tokens=settings.tokens,
        outputs=settings.outputs,
        sequences=settings.sequences,
        streams=settings.streams,
        window_cells=0 if settings.window_grows else settings.window_cells,
        window_limit=settings.window_limit,
        flash_attention=settings.flash_attention,
        key_type=settings.key_type,
        value_type=settings.value_type,
        mixed_inputs=settings.mixed_inputs,
    )


def compute_bytes(asked: Reservation, cells: int) -> dict[int, int]:
    """Bytes of the compute buffer of each place, with caches of this many cells (per stream)."""
    return {place: peak.at(cells) for place, peak in _run_at(asked, cells).peaks}


def even_from_cells(asked: Reservation, cells: int) -> int:
    """The fewest cells from which up to this many the allocator makes the same choices: buffers only grow there."""
    return _run_at(asked, cells).low


def _run_at(asked: Reservation, cells: int) -> _Run:
    """The run whose choices hold at this many cells."""
    runs = _runs(asked)
    for run in runs:
        if run.low <= cells <= run.high:
            return run
    runs.append(_run(asked, cells))
    return runs[-1]


@lru_cache(maxsize=2048)
def _runs(asked: Reservation) -> list[_Run]:  # noqa: ARG001 - the key of the memory
    """The runs made so far for this reservation; a memory of pure results."""
    return []


def scheduled(asked: Reservation, cells: int) -> Schedule:
    """The graph at this many cells, every tensor with its place, in the order it is computed."""
    shape = asked.model.shape
    weights = _weight_sizes(asked.model, asked.mix) if asked.mix else None
    layers = _layers(asked, shape, weights)
    graph = model_graph(shape, _sizes(asked, cells), layers, asked.places[-1], weights)
    return schedule(graph, pipeline=asked.pipeline)


def _run(asked: Reservation, cells: int) -> _Run:
    """Run the graph's allocation at this many cells."""
    plan = scheduled(asked, cells)
    grows = asked.window_cells == 0
    low = CELL_PADDING if grows else asked.window_cells + 1
    bounds = Bounds(cells, min(low, cells), asked.window_limit if grows else MOST_CELLS)
    allocation = Allocation(bounds)
    allocation.run(plan.nodes, plan.first)
    peaks = tuple((place, buffer.peak()) for place, buffer in allocation.buffers.items())
    return _Run(bounds.low, bounds.high, peaks)


def _sizes(asked: Reservation, cells: int) -> RunSizes:
    grows = asked.window_cells == 0
    return RunSizes(
        tokens=asked.tokens,
        outputs=asked.outputs,
        sequences=asked.sequences,
        streams=asked.streams,
        cells=cells,
        window_cells=cells if grows else asked.window_cells,
        window_grows=grows,
        flash_attention=asked.flash_attention,
        key_type=asked.key_type,
        value_type=asked.value_type,
        mixed_inputs=asked.mixed_inputs,
    )


@lru_cache(maxsize=1024)
def _weight_sizes(model: Model, mix: str) -> dict[tuple[int, Role], int]:
    """Bytes of every matrix by layer (-1 outside) and role; a fused one counts under its first part."""
    sizes: dict[tuple[int, Role], int] = {}
    for item in stored_tensors(model.shape, mix):
        if item.tensor.weight and item.tensor.rows * item.tensor.matrices > 1:
            key = (item.tensor.layer, item.tensor.role)
            sizes[key] = max(sizes.get(key, 0), item.size_bytes)
    return sizes


def _layers(
    asked: Reservation, shape: Shape, weights: dict[tuple[int, Role], int] | None
) -> tuple[LayerPlan, ...]:
    """The layers to build: a sample that has all the different ones, in order."""
    keys = [_layer_key(asked, shape, layer, kind, weights) for layer, kind in enumerate(shape.layer_kinds())]
    plans = []
    before = -1
    # with small embeddings of its own every layer brings copies of its part, so none may be left out
    own_copies = shape.per_layer_embedding_size > 0 and len(set(asked.places)) > 1
    for index in range(shape.layers) if own_copies else sampled(keys):
        place = asked.places[index]
        experts = HOST if index < asked.expert_layers_on_host else place
        left_out = index - before - 1
        plans.append(
            LayerPlan(
                index=index,
                place=place,
                expert_place=experts,
                cache_place=asked.places[_cache_owner(shape, index)],
                left_out=left_out,
            )
        )
        before = index
    return tuple(plans)


@lru_cache(maxsize=4096)
def _cache_owner(shape: Shape, layer: int) -> int:
    """The layer whose cache this one reads: its own, or the last of its kind that has one."""
    own = shape.layers - shape.kv_shared_layers
    if layer < own:
        return layer
    kinds = shape.layer_kinds()
    return max(index for index in range(own) if kinds[index] is kinds[layer])


def _layer_key(
    asked: Reservation,
    shape: Shape,
    layer: int,
    kind: LayerKind,
    weights: dict[tuple[int, Role], int] | None,
) -> tuple[object, ...]:
    place = asked.places[layer]
    on_host = place == HOST or layer < asked.expert_layers_on_host
    return (
        kind,
        shape.experts is not None and is_mixture_layer(shape.experts, layer),
        kv_heads(shape, kind, layer),
        shape.ffn_size_per_layer[layer] if shape.ffn_size_per_layer else 0,
        layer < shape.layers - shape.kv_shared_layers,
        has_side_paths(shape) and layer < SPARSE_LAYERS,
        place,
        asked.places[_cache_owner(shape, layer)],
        layer < asked.expert_layers_on_host,
        _matrices_of(weights, layer) if weights and on_host else (),
    )


def _matrices_of(weights: dict[tuple[int, Role], int], layer: int) -> tuple[tuple[Role, int], ...]:
    return tuple((role, size) for (of, role), size in weights.items() if of == layer)
