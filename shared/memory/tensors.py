"""Every weight tensor of a model, from its shape: identical layers are held once with the list of their indices."""

from dataclasses import dataclass
from functools import lru_cache

from shared.catalog.rows import Attention, LayerKind, Shape
from shared.errors import Unsupported
from shared.memory.attention_tensors import (
    block_indexer,
    cross_attention,
    grouped_attention,
    latent_attention,
)
from shared.memory.compressed_tensors import compressed_attention
from shared.memory.feed_forward_tensors import dense, is_mixture_layer, mixture
from shared.memory.per_layer_tensors import per_layer_inputs
from shared.memory.recurrent_tensors import recurrent_layer
from shared.memory.residual_tensors import earlier_blocks, stream_head, stream_mixers
from shared.memory.side_path_tensors import has_side_paths, model_side_paths
from shared.memory.tensor import Role, Tensor, linear, matrix, vector


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerGroup:
    """Layers whose tensors are the same, by index from 0."""

    kind: LayerKind
    layers: tuple[int, ...]
    tensors: tuple[Tensor, ...]
    mixture: bool
    kv_heads: int
    own_cache: bool = True

    @property
    def parameters_per_layer(self) -> int:
        """Weights in one of these layers."""
        return sum(tensor.parameters for tensor in self.tensors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All tensors of a model.

    Attributes:
        model: Tensors outside the layers: embeddings, the head when it is not tied, the final norm.
        groups: The layers, each in exactly one group.
        mtp: Tensors of one multi-token-prediction layer; engines load them only for speculative decoding.
    """

    model: tuple[Tensor, ...]
    groups: tuple[LayerGroup, ...]
    mtp: tuple[Tensor, ...]
    mtp_layers: int

    @property
    def parameters(self) -> int:
        """Weights of the model without its MTP layers."""
        in_layers = sum(group.parameters_per_layer * len(group.layers) for group in self.groups)
        return in_layers + sum(tensor.parameters for tensor in self.model)

    @property
    def mtp_parameters(self) -> int:
        """Weights of all MTP layers."""
        return self.mtp_layers * sum(tensor.parameters for tensor in self.mtp)


@lru_cache(maxsize=1024)
def inventory(shape: Shape) -> Inventory:
    """The tensors of a model of this shape.

    Raises:
        Unsupported: The shape has a kind of layer whose weights we cannot derive.
    """
    grouped: dict[tuple[object, ...], list[int]] = {}
    kinds = shape.layer_kinds()
    for layer in range(shape.layers):
        grouped.setdefault(_layer_key(shape, kinds, layer), []).append(layer)
    groups = tuple(_group(shape, kinds[layers[0]], tuple(layers)) for layers in grouped.values())
    mtp = (*_mtp(shape), *_layer_tensors(shape, kinds, mtp_model_layer(shape))) if shape.mtp_layers else ()
    return Inventory(model=_model_tensors(shape), groups=groups, mtp=mtp, mtp_layers=shape.mtp_layers)


def parameter_count(shape: Shape) -> int:
    """How many weights the shape adds up to, without MTP layers and towers."""
    return inventory(shape).parameters


def layer_attention(shape: Shape, kind: LayerKind) -> Attention:
    """The heads of a layer of this kind."""
    attention = shape.window_attention if kind is LayerKind.WINDOW else None
    attention = attention or shape.attention
    if attention is None:
        raise Unsupported(f"{shape.architecture} has {kind} layers but no attention heads in its shape.")
    return attention


def _layer_key(shape: Shape, kinds: tuple[LayerKind, ...], layer: int) -> tuple[object, ...]:
    """Layers with equal keys have the same tensors."""
    return (
        kinds[layer],
        shape.experts is not None and is_mixture_layer(shape.experts, layer),
        shape.kv_heads_per_layer[layer] if shape.kv_heads_per_layer else None,
        shape.ffn_size_per_layer[layer] if shape.ffn_size_per_layer else None,
        layer < shape.layers - shape.kv_shared_layers,
        shape.compressed.ratios[layer] if shape.compressed else None,
    )


def mtp_model_layer(shape: Shape) -> int:
    """The layer an MTP block repeats: the last one that attends (a hybrid's MTP block is never recurrent)."""
    kinds = shape.layer_kinds()
    if shape.compressed is not None:  # a prediction layer has a ratio of its own, the last one listed
        wanted = shape.compressed.ratios[-1]
        near = [layer for layer in range(shape.layers) if shape.compressed.ratios[layer] == wanted]
        return near[-1] if near else shape.layers - 1
    attending = [i for i, kind in enumerate(kinds) if kind not in (LayerKind.RECURRENT, LayerKind.NONE)]
    return attending[-1] if attending else shape.layers - 1


def _group(shape: Shape, kind: LayerKind, layers: tuple[int, ...]) -> LayerGroup:
    """The group of these layers, described by its first."""
    first = layers[0]
    return LayerGroup(
        kind=kind,
        layers=layers,
        tensors=_layer_tensors(shape, shape.layer_kinds(), first),
        mixture=_is_mixture(shape, kind, first),
        kv_heads=kv_heads(shape, kind, first),
        own_cache=first < shape.layers - shape.kv_shared_layers,
    )


def kv_heads(shape: Shape, kind: LayerKind, layer: int) -> int:
    """Key and value heads of a layer; 0 where it keeps none per token."""
    if kind in (LayerKind.RECURRENT, LayerKind.NONE):
        return 0
    if shape.kv_heads_per_layer:
        return shape.kv_heads_per_layer[layer]
    return 1 if kind is LayerKind.LATENT else layer_attention(shape, kind).kv_heads


def _kind_has_feed_forward(shape: Shape, kind: LayerKind) -> bool:
    """Where some layers are feed-forward only, the others have none (Nemotron-H), unless sizes are given one by one."""
    if shape.ffn_size_per_layer or LayerKind.NONE not in shape.layer_pattern:
        return True
    return kind is LayerKind.NONE


def has_feed_forward(shape: Shape, layer: int) -> bool:
    """Whether a layer has a feed-forward at all."""
    kind = shape.layer_kinds()[layer]
    ffn_size = shape.ffn_size_per_layer[layer] if shape.ffn_size_per_layer else shape.ffn_size
    return _kind_has_feed_forward(shape, kind) and (ffn_size > 0 or _is_mixture(shape, kind, layer))


def _is_mixture(shape: Shape, kind: LayerKind, layer: int) -> bool:
    experts = shape.experts
    return experts is not None and _kind_has_feed_forward(shape, kind) and is_mixture_layer(experts, layer)


def _layer_tensors(shape: Shape, kinds: tuple[LayerKind, ...], layer: int) -> tuple[Tensor, ...]:
    """Norms, sequence mixer and feed-forward of one layer."""
    kind = kinds[layer]
    ffn_size = shape.ffn_size_per_layer[layer] if shape.ffn_size_per_layer else shape.ffn_size
    feed_forward: tuple[Tensor, ...] = ()
    if _is_mixture(shape, kind, layer) and shape.experts is not None:
        feed_forward = mixture(shape, shape.experts, ffn_size)
    elif _kind_has_feed_forward(shape, kind):
        feed_forward = dense(shape, ffn_size)
    # an irregular model leaves out the norm of the half it leaves out
    left_out = (kind is LayerKind.NONE) + (not feed_forward) if shape.ffn_size_per_layer else 0
    norms = _norms(shape, max(0, shape.norms_per_layer - left_out))
    beside = (*stream_mixers(shape), *earlier_blocks(shape, 2), *per_layer_inputs(shape))
    return (*norms, *_mixer(shape, kind, layer), *feed_forward, *beside)


def _mixer(shape: Shape, kind: LayerKind, layer: int) -> tuple[Tensor, ...]:
    """Attention or recurrence of one layer."""
    hidden = shape.hidden_size
    match kind:
        case LayerKind.NONE:
            return ()
        case LayerKind.RECURRENT if shape.recurrent is not None:
            return recurrent_layer(shape.recurrent, hidden)
        case LayerKind.LATENT if shape.latent is not None:
            return latent_attention(shape.latent, layer_attention(shape, kind).heads, hidden)
        case LayerKind.COMPRESSED if shape.compressed is not None:
            ratio = shape.compressed.ratios[layer]
            return compressed_attention(shape.compressed, layer_attention(shape, kind), hidden, ratio)
        case LayerKind.PARALLEL if shape.recurrent is not None:
            return (
                *grouped_attention(layer_attention(shape, kind), hidden),
                *recurrent_layer(shape.recurrent, hidden),
            )
        case LayerKind.CROSS:
            return cross_attention(layer_attention(shape, kind), hidden)
        case LayerKind.SPARSE:
            return (
                *grouped_attention(layer_attention(shape, kind), hidden),
                *block_indexer(layer_attention(shape, kind), hidden),
            )
        case _:
            # Gemma 3n's file has the keys and values of layers that read another's cache
            own_cache = has_side_paths(shape) or layer < shape.layers - shape.kv_shared_layers
            heads = kv_heads(shape, kind, layer)
            return grouped_attention(
                layer_attention(shape, kind), hidden, kv_heads=heads, own_cache=own_cache
            )


def _norms(shape: Shape, count: int) -> tuple[Tensor, ...]:
    """`count` norms over the residual stream."""
    one = [vector(Role.NORM, shape.hidden_size)]
    if shape.norm_bias:
        one.append(vector(Role.NORM, shape.hidden_size, bias=True))
    return tuple(one * count)


def _model_tensors(shape: Shape) -> tuple[Tensor, ...]:
    """Everything outside the layers."""
    hidden, vocabulary = shape.hidden_size, shape.vocabulary_size
    tensors = [matrix(Role.TOKEN_EMBEDDING, vocabulary + shape.extra_embeddings, hidden)]
    if not shape.tied_embeddings:
        tensors += linear(Role.OUTPUT, vocabulary, hidden, bias=shape.output_bias)
    if shape.ngram_rows:
        tensors.append(matrix(Role.NGRAM_EMBEDDING, shape.ngram_rows, hidden))
    if shape.learned_positions:
        tensors.append(matrix(Role.POSITION_EMBEDDING, shape.learned_positions, hidden))
    tensors += _norms(shape, shape.final_norm + shape.embedding_norm)
    tensors += [*stream_head(shape), *earlier_blocks(shape, 1)]
    tensors += model_side_paths(shape)
    if shape.per_layer_embedding_size:
        width = shape.per_layer_embedding_size * shape.layers
        tensors += [
            matrix(Role.PER_LAYER_EMBEDDING, vocabulary, width),
            matrix(Role.PER_LAYER_MODEL_PROJECTION, width, hidden),
            vector(Role.NORM, shape.per_layer_embedding_size),
        ]
    return tuple(tensors)


def _mtp(shape: Shape) -> tuple[Tensor, ...]:
    """What joins the previous hidden state and the next token's embedding in an MTP layer (DeepSeek-V3, 2.2)."""
    hidden = shape.hidden_size
    return (
        matrix(Role.MTP_PROJECTION, hidden, 2 * hidden),
        *(vector(Role.NORM, hidden) for _ in range(3)),
    )
