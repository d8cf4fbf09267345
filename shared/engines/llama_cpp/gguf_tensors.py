"""The tensors of a model as its GGUF file names and cuts them."""

from dataclasses import dataclass
from functools import lru_cache

from shared.catalog.rows import Shape
from shared.engines.llama_cpp.gguf_names import NAMES
from shared.memory.tensor import Role, Tensor, vector
from shared.memory.tensors import inventory

# Converters that write query, key and value as one tensor, or gate and up as one (the class of each in conversion/).
FUSED_QKV = frozenset(
    {
        "phi3",
        "gpt2",
        "gptneox",
        "falcon",
        "bloom",
        "mpt",
        "dbrx",
        "chatglm",
        "qwen",
        "codeshell",
        "jais",
        "bailingmoe2",
        "starcoder",
        "openelm",
        "nomic-bert",
        "modern-bert",
    }
)
FUSED_GATE_UP = frozenset({"phi3", "chatglm", "glm4", "plamo2"})
FUSED_EXPERT_GATE_UP = frozenset({"gemma4"})
# Latent attention that llama.cpp computes with full keys and values, and caches so (models/minicpm3.cpp).
UNCOMPRESSED_CACHE = frozenset({"minicpm3"})
_UP_PROJECTIONS = (Role.KV_UP_KEY, Role.KV_UP_VALUE)
# Architectures whose files hold one factor for every layer's output, and rotation factors for full layers.
_SCALED_LAYERS = frozenset({"gemma4"})
# Converters that drop the multi-token-prediction layers (skip_mtp in conversion/deepseek.py, conversion/ernie.py), and
# loaders that refuse a file with such layers.
WITHOUT_MTP = frozenset({"deepseek2", "deepseek4", "ernie4_5-moe", "qwen2"})

_WITHOUT_SUFFIX = frozenset({Role.STATE_DECAY, Role.STATE_SKIP, Role.ROUTER_SCALE, Role.EXPERT_SCALE})


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufTensor:
    """One tensor of the file. `columns` is ggml's first dimension, along which blocks are cut.

    Attributes:
        layer: From 0; -1 outside the layers. MTP layers follow the model's own.
        role: What it does; of a fused tensor, its first part.
        weight: False for biases and tensors without the suffix ".weight", which are never quantized.
    """

    name: str
    layer: int
    role: Role
    columns: int
    rows: int
    matrices: int = 1
    weight: bool = True

    @property
    def parameters(self) -> int:
        """How many weights it holds."""
        return self.columns * self.rows * self.matrices


@lru_cache(maxsize=1024)
def gguf_tensors(shape: Shape) -> tuple[GgufTensor, ...]:
    """All tensors in the order the quantizer visits them: outside the layers first, then by layer, then by name."""
    stock = inventory(shape)
    tensors = [_named(tensor, -1, shape) for tensor in stock.model]
    scaled_layers = shape.gguf_architecture in _SCALED_LAYERS
    if (shape.rope_frequencies or scaled_layers) and shape.attention is not None:
        tensors.append(_rope_frequencies(shape.attention.head_dim))
    by_layer: list[list[GgufTensor]] = [[] for _ in range(shape.layers)]
    for group in stock.groups:
        fused = _fuse(group.tensors, shape)
        if scaled_layers:
            fused.append(vector(Role.LAYER_SCALE, 1))
        for layer in group.layers:
            by_layer[layer] = sorted((_named(tensor, layer, shape) for tensor in fused), key=_by_name)
    for layer_tensors in by_layer:
        tensors += layer_tensors
    if stock.mtp and shape.gguf_architecture not in WITHOUT_MTP:
        for index in range(shape.layers, shape.layers + stock.mtp_layers):
            fused = _fuse(stock.mtp, shape)
            tensors += sorted((_named(tensor, index, shape) for tensor in fused), key=_by_name)
    return tuple(tensors)


def _by_name(tensor: GgufTensor) -> str:
    return tensor.name + "."  # "ffn_down." sorts before "ffn_down_exps.", as the full names do


def _rope_frequencies(head_dim: int) -> GgufTensor:
    return GgufTensor(name="rope_freqs", layer=-1, role=Role.NORM, columns=head_dim // 2, rows=1)


def _fuse(tensors: tuple[Tensor, ...], shape: Shape) -> list[Tensor]:
    """Merge what this architecture's converter stores as one tensor; the rows add up."""
    architecture = shape.gguf_architecture
    result = list(tensors)
    if architecture in FUSED_QKV:
        result = _merge(result, (Role.QUERY, Role.KEY, Role.VALUE))
    if architecture in UNCOMPRESSED_CACHE:
        result = _joined_up_projections(result)
    if architecture in FUSED_GATE_UP:
        result = _merge(result, (Role.FFN_UP, Role.FFN_GATE))
    if architecture in FUSED_EXPERT_GATE_UP:
        result = _merge(result, (Role.EXPERT_GATE, Role.EXPERT_UP))
    return result


def _joined_up_projections(tensors: list[Tensor]) -> list[Tensor]:
    """Keys and values of every head from the latent row as one matrix, as the model has it."""
    parts = [tensor for tensor in tensors if tensor.role in (Role.KV_UP_KEY, Role.KV_UP_VALUE)]
    if len(parts) != len(_UP_PROJECTIONS):
        return tensors
    rank = next(part.rows for part in parts if part.role is Role.KV_UP_KEY)
    rows = sum(part.parameters for part in parts) // rank
    joined = Tensor(role=Role.KV_UP_VALUE, rows=rows, columns=rank)
    return [*(tensor for tensor in tensors if tensor.role not in _UP_PROJECTIONS), joined]


def _merge(tensors: list[Tensor], roles: tuple[Role, ...]) -> list[Tensor]:
    """Tensors of these roles (weights and biases apart) become one of the first role."""
    kept = [tensor for tensor in tensors if tensor.role not in roles]
    for bias in (False, True):
        parts = [tensor for tensor in tensors if tensor.role in roles and tensor.bias is bias]
        if parts:
            total = sum(part.columns if bias else part.rows for part in parts)
            kept.append(
                Tensor(
                    role=roles[0],
                    rows=1 if bias else total,
                    columns=total if bias else parts[0].columns,
                    matrices=parts[0].matrices,
                    bias=bias,
                )
            )
    return kept


def _named(tensor: Tensor, layer: int, shape: Shape) -> GgufTensor:
    return GgufTensor(
        name=_name(tensor, shape),
        layer=layer,
        role=tensor.role,
        columns=tensor.columns,
        rows=tensor.rows,
        matrices=tensor.matrices,
        weight=not tensor.bias and tensor.role not in _WITHOUT_SUFFIX,
    )


def _name(tensor: Tensor, shape: Shape) -> str:
    """The name without layer and suffix."""
    role, architecture = tensor.role, shape.gguf_architecture
    kind = shape.recurrent.kind if shape.recurrent else None
    if role is Role.QUERY and architecture in FUSED_QKV:
        return "attn_qkv"
    if role is Role.KV_UP_VALUE and architecture in UNCOMPRESSED_CACHE:
        return "attn_kv_b"
    if role is Role.EXPERT_GATE and architecture in FUSED_EXPERT_GATE_UP:
        return "ffn_gate_up_exps"
    if role is Role.STATE_IN and kind == "gated_delta_net":
        return "attn_qkv"
    if kind == "short_convolution":
        if role is Role.STATE_IN:
            return "shortconv.in_proj"
        if role is Role.STATE_OUT:
            return "shortconv.out_proj"
    return NAMES[role]
