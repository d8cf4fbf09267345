"""The tensors of a catalog model as llama.cpp's loader of its architecture expects them: full names and dimensions.

src/models/*.cpp (create_tensor) and src/llama-arch.cpp at 0c1e57098:
https://github.com/ggml-org/llama.cpp/tree/0c1e57098/src/models
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from benchmarks.oracle.gguf_file import FileTensor
from shared.catalog.rows import LayerKind, Shape
from shared.engines.llama_cpp.gguf_tensors import GgufTensor
from shared.engines.llama_cpp.quantizer import StoredTensor, stored_tensors
from shared.memory.tensor import Role

_TWO_AFTER: Final = ("attn_norm", "post_attention_norm")
_FOUR: Final = ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")
_ONLY_AFTER: Final = ("post_attention_norm", "post_ffw_norm")
# The norms over the residual stream in one layer, in the order in which tensors of one name are met.
_LAYER_NORMS: Final = {
    "falcon": ("attn_norm", "attn_norm_2"),
    "grok": ("attn_norm", "attn_output_norm", "ffn_norm", "layer_output_norm"),
    "dbrx": ("attn_norm", "attn_output_norm"),
    "nemotron_h": ("attn_norm",),
    "nemotron_h_moe": ("attn_norm",),
    **dict.fromkeys(("gemma2", "gemma3", "gemma3n", "glm4"), _FOUR),
    **dict.fromkeys(("gpt-oss", "qwen3next", "qwen35", "qwen35moe", "glm4moe", "seed_oss"), _TWO_AFTER),
    **dict.fromkeys(("olmo2", "exaone4"), _ONLY_AFTER),
}
_PLAIN: Final = ("attn_norm", "ffn_norm")
_GEMMA4_EXPERTS: Final = ("post_ffw_norm_1", "pre_ffw_norm_2", "post_ffw_norm_2")
_PREDICTION: Final = ("nextn.enorm", "nextn.hnorm", "nextn.shared_head_norm")
_PER_HEAD_NORMS: Final = frozenset({"command-r", "stablelm"})  # a norm of its own for every head
_OUTPUT_NORM: Final = {"lfm2": "token_embd_norm", "lfm2moe": "token_embd_norm"}
_WITHOUT_SUFFIX: Final = frozenset({("falcon-h1", "ffn_norm"), ("hy_v3", "exp_probs_b")})
_BARE: Final = frozenset({Role.STATE_DECAY, Role.STATE_SKIP, Role.ROUTER_SCALE, Role.EXPERT_SCALE})


def file_tensors(shape: Shape, mix: str) -> tuple[FileTensor, ...]:
    """All tensors of this model in this GGUF mix."""
    met: Counter[tuple[int, str, bool]] = Counter()
    found: list[FileTensor] = []
    for stored in stored_tensors(shape, mix):
        key = (stored.tensor.layer, stored.tensor.name, stored.tensor.weight)
        found += _named(shape, stored, met[key])
        met[key] += 1
    return tuple(found)


def _named(shape: Shape, stored: StoredTensor, index: int) -> Iterator[FileTensor]:
    """The tensor (two where the file cuts it), as the `index`-th of its name in its layer."""
    tensor = stored.tensor
    prefix = f"blk.{tensor.layer}." if tensor.layer >= 0 else ""
    dimensions = _dimensions(shape, tensor)
    if _is_joint_gate(shape, tensor):
        half = (tensor.columns, tensor.rows // 2)
        for name in ("ssm_alpha", "ssm_beta"):
            yield FileTensor(f"{prefix}{name}.weight", half, stored.type)
        return
    name = _name(shape, tensor, index)
    suffix = "" if (shape.gguf_architecture, name) in _WITHOUT_SUFFIX else _suffix(tensor)
    yield FileTensor(f"{prefix}{name}{suffix}", dimensions, stored.type)


def _is_joint_gate(shape: Shape, tensor: GgufTensor) -> bool:
    """Beta and alpha of a gated delta net, which only Qwen3-Next's file keeps as one matrix."""
    recurrent = shape.recurrent
    is_delta_net = recurrent is not None and recurrent.kind == "gated_delta_net"
    return tensor.role is Role.STATE_BETA and is_delta_net and shape.gguf_architecture != "qwen3next"


def _suffix(tensor: GgufTensor) -> str:
    if tensor.role in _BARE:
        return ""
    return ".weight" if tensor.weight and tensor.role is not Role.ROUTER_CORRECTION else ".bias"


def _name(shape: Shape, tensor: GgufTensor, index: int) -> str:
    """The name between layer and suffix."""
    kind = shape.recurrent.kind if shape.recurrent else None
    if tensor.name == "_norm":
        return _norm_name(shape, tensor, index)
    if tensor.role is Role.STATE_CONVOLUTION:
        by_kind = {"kda": f"ssm_conv1d_{'qkv'[index % 3]}", "short_convolution": "shortconv.conv"}
        return by_kind.get(kind or "", tensor.name)
    if tensor.role is Role.STATE_NORM and kind == "mamba":
        return ("ssm_dt_norm", "ssm_b_norm", "ssm_c_norm")[index]
    if tensor.role in (Role.LOW_RANK_DOWN, Role.LOW_RANK_UP) and index == 1:
        return tensor.name.replace("ssm_f_", "ssm_g_")  # of the output gate
    if tensor.role is Role.STATE_BETA and kind == "gated_delta_net":
        return "ssm_ba"
    return tensor.name


def _norm_name(shape: Shape, tensor: GgufTensor, index: int) -> str:
    architecture = shape.gguf_architecture or ""
    if tensor.layer < 0:
        if tensor.columns != shape.hidden_size:
            return "per_layer_proj_norm"
        return (_OUTPUT_NORM.get(architecture, "output_norm"), "token_embd_norm")[index]
    return _layer_norms(shape, architecture, tensor.layer)[index]


def _layer_norms(shape: Shape, architecture: str, layer: int) -> tuple[str, ...]:
    if layer >= shape.layers:
        return (*_PREDICTION, *_LAYER_NORMS.get(architecture, _PLAIN))
    if architecture == "gemma4":
        return (*_FOUR, *(_GEMMA4_EXPERTS if shape.experts else ()), "post_norm")
    if architecture == "gemma3n":
        return (*_FOUR, "post_norm")
    if architecture == "deci" and shape.layer_kinds()[layer] is LayerKind.NONE:
        return ("ffn_norm",)
    return _LAYER_NORMS.get(architecture, _PLAIN)


def _dimensions(shape: Shape, tensor: GgufTensor) -> tuple[int, ...]:
    """The row length first."""
    kind = shape.recurrent.kind if shape.recurrent else None
    if (
        tensor.role in (Role.QUERY_NORM, Role.KEY_NORM)
        and shape.gguf_architecture in _PER_HEAD_NORMS
        and shape.attention
    ):
        return shape.attention.head_dim, tensor.columns // shape.attention.head_dim
    if tensor.role is Role.STATE_CONVOLUTION and kind == "kda":
        return tensor.columns, 1, tensor.rows
    if tensor.role in (Role.STATE_DECAY, Role.STATE_SKIP) and kind in ("mamba2", "kda"):
        return 1, tensor.columns
    if tensor.role is Role.STATE_NORM and kind == "mamba2" and shape.recurrent:
        return tensor.columns // shape.recurrent.groups, shape.recurrent.groups
    if tensor.matrices > 1:
        return tensor.columns, tensor.rows, tensor.matrices
    return (tensor.columns, tensor.rows) if tensor.rows > 1 else (tensor.columns,)
