"""The sum behind a model's parameter count: a line for each part of each kind of layer, and of what is outside them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from shared.catalog.rows import LayerKind, Model
from shared.memory.tensor import Role, Tensor
from shared.memory.tensors import LayerGroup, inventory

# A tensor belongs to the first part one of whose words its role begins with; what is none of them is attention.
_PARTS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("norms", ("norm",)),
    ("router", ("router", "expert_scale")),
    ("routed experts", ("expert_",)),
    ("shared experts", ("shared_expert",)),
    ("feed-forward", ("ffn_",)),
    ("state mixer", ("state_", "low_rank")),
    ("per-layer embeddings", ("per_layer",)),
    ("residual streams", ("stream_", "residual_", "layer_scale")),
)
_WHOLE: Final = {
    Role.TOKEN_EMBEDDING: "token embeddings",
    Role.OUTPUT: "output head",
    Role.NORM: "norms",
    Role.POSITION_EMBEDDING: "position embeddings",
    Role.NGRAM_EMBEDDING: "embeddings of token pairs and triples",
}


Key = TypeVar("Key")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterLine:
    """`layers` times `each` parameters; what stands outside the layers is there once."""

    part: str
    layers: int | None
    each: int

    @property
    def parameters(self) -> int:
        """What the line adds to the sum."""
        return self.each * (1 if self.layers is None else self.layers)


def parameter_lines(model: Model) -> tuple[ParameterLine, ...]:
    """Lines that add up to the sum over the shape and its encoders.

    Raises:
        Unsupported: The model has layers whose weights we cannot derive.
    """
    held = inventory(model.shape)
    outside = _added((_WHOLE.get(one.role) or _part(one), one.parameters) for one in held.model)
    lines = [ParameterLine(part=part, layers=None, each=each) for part, each in outside]
    layers = _added((key, len(group.layers)) for group in held.groups for key in _of_group(group))
    lines += [ParameterLine(part=part, layers=count, each=each) for (part, each), count in layers]
    lines += [
        ParameterLine(part=f"{tower.kind} encoder", layers=None, each=tower.parameters)
        for tower in model.towers
    ]
    return tuple(line for line in lines if line.parameters)


def _of_group(group: LayerGroup) -> Iterator[tuple[str, int]]:
    """Each part of a layer of this group, and how many parameters it has."""
    kind = "feed-forward-only" if group.kind is LayerKind.NONE else group.kind.value
    for part, each in _added((_part(tensor), tensor.parameters) for tensor in group.tensors):
        yield f"{part} of {kind} layers", each


def _added(amounts: Iterable[tuple[Key, int]]) -> Iterable[tuple[Key, int]]:
    """Amounts of the same key added up, in the order the keys first appear."""
    sums: dict[Key, int] = {}
    for key, amount in amounts:
        sums[key] = sums.get(key, 0) + amount
    return sums.items()


def _part(tensor: Tensor) -> str:
    return next((part for part, begins in _PARTS if tensor.role.value.startswith(begins)), "attention")
