"""The tensors of a model as its GGUF file names and cuts them."""

from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from shared.catalog.rows import Shape
from shared.memory.tensor import Role, Tensor, vector
from shared.memory.tensors import inventory

# gguf-py/gguf/constants.py, TENSOR_NAMES, at llama.cpp 0c1e57098
_NAMES = MappingProxyType(
    {
        Role.TOKEN_EMBEDDING: "token_embd",
        Role.POSITION_EMBEDDING: "position_embd",
        Role.PER_LAYER_EMBEDDING: "per_layer_token_embd",
        Role.PER_LAYER_MODEL_PROJECTION: "per_layer_model_proj",
        Role.PER_LAYER_GATE: "inp_gate",
        Role.PER_LAYER_PROJECTION: "proj",
        Role.OUTPUT: "output",
        Role.NORM: "_norm",
        Role.QUERY: "attn_q",
        Role.KEY: "attn_k",
        Role.VALUE: "attn_v",
        Role.ATTENTION_OUTPUT: "attn_output",
        Role.QUERY_NORM: "attn_q_norm",
        Role.KEY_NORM: "attn_k_norm",
        Role.SINKS: "attn_sinks",
        Role.QUERY_DOWN: "attn_q_a",
        Role.QUERY_UP: "attn_q_b",
        Role.QUERY_DOWN_NORM: "attn_q_a_norm",
        Role.KV_DOWN: "attn_kv_a_mqa",
        Role.KV_DOWN_NORM: "attn_kv_a_norm",
        Role.KV_UP_KEY: "attn_k_b",
        Role.KV_UP_VALUE: "attn_v_b",
        Role.INDEXER_QUERY: "indexer.attn_q_b",
        Role.INDEXER_KEY: "indexer.attn_k",
        Role.INDEXER_KEY_NORM: "indexer.k_norm",
        Role.INDEXER_WEIGHTS: "indexer.proj",
        Role.FFN_GATE: "ffn_gate",
        Role.FFN_UP: "ffn_up",
        Role.FFN_DOWN: "ffn_down",
        Role.ROUTER: "ffn_gate_inp",
        Role.ROUTER_CORRECTION: "exp_probs_b",
        Role.ROUTER_SCALE: "ffn_gate_inp.scale",
        Role.EXPERT_SCALE: "ffn_down_exps.scale",
        Role.EXPERT_LATENT_DOWN: "ffn_latent_down",
        Role.EXPERT_LATENT_UP: "ffn_latent_up",
        Role.EXPERT_GATE: "ffn_gate_exps",
        Role.EXPERT_UP: "ffn_up_exps",
        Role.EXPERT_DOWN: "ffn_down_exps",
        Role.SHARED_EXPERT_GATE: "ffn_gate_shexp",
        Role.SHARED_EXPERT_UP: "ffn_up_shexp",
        Role.SHARED_EXPERT_DOWN: "ffn_down_shexp",
        Role.SHARED_EXPERT_ROUTER: "ffn_gate_inp_shexp",
        Role.STATE_IN: "ssm_in",
        Role.STATE_GATE: "attn_gate",
        Role.STATE_OUT: "ssm_out",
        Role.STATE_CONVOLUTION: "ssm_conv1d",
        Role.STATE_SELECT: "ssm_x",
        Role.STATE_TIME_STEP: "ssm_dt",
        Role.STATE_DECAY: "ssm_a",
        Role.STATE_BETA: "ssm_beta",
        Role.STATE_SKIP: "ssm_d",
        Role.STATE_NORM: "ssm_norm",
        Role.LOW_RANK_DOWN: "ssm_f_a",
        Role.LOW_RANK_UP: "ssm_f_b",
        Role.MTP_PROJECTION: "nextn.eh_proj",
        Role.LAYER_SCALE: "layer_output_scale",
        Role.NGRAM_EMBEDDING: "per_layer_token_embd",
        Role.ATTENTION_GATE: "attn_gate",
        Role.OUTPUT_DOWN: "attn_output_a",
        Role.INDEXER_QUERY_NORM: "indexer.q_norm",
        Role.COMPRESSOR_KEY: "attn_compressor_kv",
        Role.COMPRESSOR_GATE: "attn_compressor_gate",
        Role.COMPRESSOR_POSITION: "attn_compressor_ape",
        Role.COMPRESSOR_NORM: "attn_compressor_norm",
        Role.INDEXER_COMPRESSOR_KEY: "indexer_compressor_kv",
        Role.INDEXER_COMPRESSOR_GATE: "indexer_compressor_gate",
        Role.INDEXER_COMPRESSOR_POSITION: "indexer_compressor_ape",
        Role.INDEXER_COMPRESSOR_NORM: "indexer_compressor_norm",
        Role.STREAM_MIX: "hc_fn",
        Role.STREAM_SCALE: "hc_scale",
        Role.RESIDUAL_QUERY: "attn_res",
        Role.RESIDUAL_NORM: "attn_res_norm",
        Role.CROSS_GATE: "cross_attn_gate",
        Role.EXPERT_LATENT_NORM: "ffn_latent_norm",
    }
)
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
    return _NAMES[role]
