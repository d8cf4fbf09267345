"""Where llama.cpp puts layers and experts on these GPUs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.catalog.rows import Gpu, Model
from shared.errors import BadValue
from shared.memory.placement import HOST, spread_layers
from shared.memory.workload import Workload

SPLIT_MODES: Final = ("layer", "row", "none")


@dataclass(frozen=True, slots=True)
class Range:
    """Consecutive layers in one place, and whether the output layer is with them."""

    place: int
    first: int
    end: int
    output: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The places of layers and experts.

    Attributes:
        places: Of every layer of the model, then of the output layer.
        ranges: The same by place; the host first when it holds any.
        expert_layers_on_host: Routed experts of this many first layers stay on the host.
        pipeline: The GPUs work on batches in turn, which keeps copies of inputs on each.
    """

    places: tuple[int, ...]
    ranges: tuple[Range, ...]
    expert_layers_on_host: int
    pipeline: bool


def placement(workload: Workload, gpus: Sequence[Gpu], file_layers: int) -> Placement:
    """The placement of a workload; `file_layers` counts MTP layers too, which `-ngl` does.

    Raises:
        BadValue: A split that these GPUs cannot have.
    """
    if workload.split_mode not in SPLIT_MODES:
        raise BadValue("split_mode", workload.split_mode, "llama.cpp splits by layer, row or none")
    if workload.tensor_split and len(workload.tensor_split) != len(gpus):
        raise BadValue(
            "tensor_split", workload.tensor_split, f"give one share for each of the {len(gpus)} GPUs"
        )
    if workload.tensor_split and (min(workload.tensor_split) < 0 or sum(workload.tensor_split) == 0):
        raise BadValue("tensor_split", workload.tensor_split, "shares are not negative and not all zero")
    for name, count in (
        ("gpu_layers", workload.gpu_layers),
        ("cpu_expert_layers", workload.cpu_expert_layers),
    ):
        if count is not None and count < 0:
            raise BadValue(name, count, "give 0 or more")
    shares = workload.tensor_split or tuple(gpu.memory_usable_bytes for gpu in gpus)
    if workload.split_mode != "layer":
        shares = shares[
            :1
        ]  # layers, cache and compute stay on the first GPU; rows of weights are spread apart from it
    on_gpus = file_layers + 1 if workload.gpu_layers is None else workload.gpu_layers
    experts = workload.cpu_expert_layers if workload.model.shape.experts else 0
    return _placement(workload.model, file_layers, on_gpus, shares, min(experts, workload.model.shape.layers))


@lru_cache(maxsize=4096)
def _placement(
    model: Model, file_layers: int, on_gpus: int, shares: tuple[int, ...], experts_on_host: int
) -> Placement:
    spread = spread_layers(file_layers + 1, on_gpus, shares)
    places = (*spread[: model.shape.layers], spread[-1])
    ranges = [
        _range(places, place) for place in dict.fromkeys((HOST, *range(len(shares)))) if place in places
    ]
    return Placement(
        places=places,
        ranges=tuple(ranges),
        expert_layers_on_host=experts_on_host if any(place != HOST for place in places) else 0,
        pipeline=len(shares) > 1 and on_gpus > file_layers and not experts_on_host,
    )


def _range(places: tuple[int, ...], place: int) -> Range:
    layers = [index for index, of in enumerate(places[:-1]) if of == place]
    first, end = (layers[0], layers[-1] + 1) if layers else (0, 0)
    return Range(place, first, end, places[-1] == place)
