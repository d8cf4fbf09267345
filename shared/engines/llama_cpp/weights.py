"""How llama.cpp lays a GGUF file out in memory: what stays on the host, what each layer weighs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from shared.catalog.rows import Model, Shape
from shared.engines.llama_cpp.gguf_tensors import GgufTensor
from shared.engines.llama_cpp.quantizer import StoredTensor, stored_tensors
from shared.engines.llama_cpp.settings import ENCODERS
from shared.memory.checkpoint import EXPERTS, FEED_FORWARD
from shared.memory.tensor import Role
from shared.units import pad

_INPUT = frozenset({Role.TOKEN_EMBEDDING, Role.POSITION_EMBEDDING, Role.PER_LAYER_EMBEDDING})
_FIRST_LAYER = frozenset({Role.PER_LAYER_MODEL_PROJECTION})
# what --n-cpu-moe names by `ffn_(up|down|gate_up|gate)_(ch|)exps`, the factors of Gemma 4's experts with them
_EXPERTS = EXPERTS | {Role.EXPERT_SCALE}
_KEEPS_MTP_CORRECTION = frozenset({"deepseek32", "glm-dsa"})
_KEEPS_MTP_FEED_FORWARD = frozenset({"hy_v3"})
_FEED_FORWARD = FEED_FORWARD | EXPERTS | {Role.ROUTER, Role.ROUTER_CORRECTION}
# Loaders that ask for the head before the embedding, and so hold a tied one twice even in one place.
_ALWAYS_TWICE = frozenset({"gemma3n", "gemma4"})
_ALIGNMENT = 32  # of tensors in a buffer
_NORM_BYTES = 4  # norms are kept in 32 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsDigest:
    """A file's bytes by where they can go. The lists hold running totals: entry n is the sum of the first n layers.

    Attributes:
        file_bytes: All tensors of the file, MTP layers included.
        input_bytes: Embeddings, which stay on the host.
        output_bytes: Final norm and head; of a tied model, the copy of the embedding that serves as head.
        tied_bytes: Part of `output_bytes` that only exists where the output layer is not on the host.
        layers: Running totals of the layers' bytes; `experts` of the routed experts among them.
        repeated_bytes: Rotation factors, which every place with layers holds.
        layer_count: Of the file, MTP layers included.
    """

    file_bytes: int
    input_bytes: int
    output_bytes: int
    tied_bytes: int
    layers: Sequence[int]
    experts: Sequence[int]
    repeated_bytes: int
    layer_count: int

    def layer_bytes(self, first: int, end: int) -> int:
        """Bytes of the layers from `first` up to but not including `end`."""
        return self.layers[end] - self.layers[first]

    def expert_bytes(self, first: int, end: int) -> int:
        """The routed experts' part of `layer_bytes`."""
        return self.experts[end] - self.experts[first]


@lru_cache(maxsize=4096)
def digest(model: Model, mix: str) -> WeightsDigest:
    """The layout of this model in this GGUF mix."""
    return _digest(model.shape, stored_tensors(model.shape, mix))


def is_loaded_nevertheless(tensor: GgufTensor, shape: Shape) -> bool:
    """What loaders take from an MTP layer they do not run.

    models/glm-dsa.cpp forgets to skip one vector, models/hy-v3.cpp the whole feed-forward (and a norm).
    """
    if shape.gguf_architecture in _KEEPS_MTP_FEED_FORWARD:
        return tensor.role in _FEED_FORWARD
    return tensor.role is Role.ROUTER_CORRECTION and shape.gguf_architecture in _KEEPS_MTP_CORRECTION


def _embedding_norm_bytes(shape: Shape) -> int:
    """The norm of the embeddings, which llama-arch.cpp counts to the first layer."""
    vectors = (1 + shape.norm_bias) * shape.embedding_norm
    return vectors * pad(shape.hidden_size * _NORM_BYTES, _ALIGNMENT)


def _prediction_norm_bytes(shape: Shape) -> int:
    """The norm before an MTP layer's head, which models/hy-v3.cpp does not skip either."""
    if shape.gguf_architecture not in _KEEPS_MTP_FEED_FORWARD:
        return 0
    return shape.mtp_layers * pad(shape.hidden_size * _NORM_BYTES, _ALIGNMENT)


def _is_per_layer_norm(tensor: GgufTensor, shape: Shape) -> bool:
    """The norm of the per-layer embeddings, which goes where their projection is."""
    return (
        tensor.role is Role.NORM
        and bool(shape.per_layer_embedding_size)
        and tensor.columns != shape.hidden_size
    )


def _digest(shape: Shape, stored: tuple[StoredTensor, ...]) -> WeightsDigest:
    file_layers = 1 + max(item.tensor.layer for item in stored)
    layers, experts = [0] * file_layers, [0] * file_layers
    embedding = outside = output = repeated = 0
    for item in stored:
        size, tensor = pad(item.size_bytes, _ALIGNMENT), item.tensor
        if tensor.layer >= shape.layers and is_loaded_nevertheless(tensor, shape):
            output += size
        elif tensor.layer >= 0:
            layers[tensor.layer] += size
            if tensor.role in _EXPERTS:
                experts[tensor.layer] += size
        elif tensor.name == "rope_freqs":
            repeated += size
        elif tensor.role in _FIRST_LAYER or _is_per_layer_norm(tensor, shape):
            layers[0] += size
        elif tensor.role in _INPUT:
            outside += size
            if tensor.role is Role.TOKEN_EMBEDDING:
                embedding = size
        else:
            output += size
    norms = _embedding_norm_bytes(shape)
    layers[0], output = layers[0] + norms, output - norms + _prediction_norm_bytes(shape)
    tied = embedding if shape.tied_embeddings and shape.gguf_architecture not in ENCODERS else 0
    return WeightsDigest(
        file_bytes=sum(item.size_bytes for item in stored),
        input_bytes=outside,
        output_bytes=output + tied,
        tied_bytes=0 if shape.gguf_architecture in _ALWAYS_TWICE else tied,
        # layers that are in the file but not loaded weigh nothing in memory
        layers=tuple(accumulate(layers[: shape.layers], initial=0)),
        experts=tuple(accumulate(experts[: shape.layers], initial=0)),
        repeated_bytes=repeated,
        layer_count=file_layers,
    )
