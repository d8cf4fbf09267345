"""Which type llama.cpp's quantizer gives each tensor of a model under a GGUF mix.

Rules: llama_tensor_get_type_impl and tensor_type_fallback of src/llama-quant.cpp at 0c1e57098 (0.5.0-dev); the
files of 0.7.0 come out the same to the byte.
https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/llama-quant.cpp#L390
"""

from collections import Counter
from dataclasses import dataclass, field
from types import MappingProxyType

from shared.catalog.rows import Quantization, Shape
from shared.engines.llama_cpp.gguf_tensors import GgufTensor, gguf_tensors
from shared.engines.llama_cpp.mix_rules import Facts, Position, preferred_type
from shared.errors import BadValue
from shared.memory.gguf_types import GGUF_TYPES, UNQUANTIZED
from shared.memory.tensors import kv_heads, layer_attention

# llama_ftype_get_default_type
DEFAULT_TYPES = MappingProxyType(
    {
        "F32": "f32", "F16": "f16", "BF16": "bf16", "Q8_0": "q8_0", "Q6_K": "q6_K",
        "Q5_K_M": "q5_K", "Q5_K_S": "q5_K", "Q5_1": "q5_1", "Q5_0": "q5_0",
        "Q4_K_M": "q4_K", "Q4_K_S": "q4_K", "Q4_1": "q4_1", "Q4_0": "q4_0",
        "IQ4_NL": "iq4_nl", "IQ4_XS": "iq4_xs", "MXFP4_MOE": "mxfp4",
        "Q3_K_L": "q3_K", "Q3_K_M": "q3_K", "Q3_K_S": "q3_K",
        "IQ3_M": "iq3_s", "IQ3_S": "iq3_s", "IQ3_XS": "iq3_s", "IQ3_XXS": "iq3_xxs",
        "Q2_K": "q2_K", "Q2_K_S": "q2_K", "IQ2_M": "iq2_s", "IQ2_S": "iq2_xs", "IQ2_XS": "iq2_xs",
        "IQ2_XXS": "iq2_xxs", "IQ1_M": "iq1_m", "IQ1_S": "iq1_s", "TQ2_0": "tq2_0", "TQ1_0": "tq1_0",
        "Q2_0": "q2_0", "Q1_0": "q1_0",
    }
)  # fmt: skip
# Mixes a packager makes of another by keeping the embeddings and the head in 8 bits: bartowski's cards say "Uses Q8_0
# for embed and output weights", which is llama-quantize --output-tensor-type q8_0 --token-embedding-type q8_0.
PACKAGED = MappingProxyType({"Q6_K_L": "Q6_K", "Q5_K_L": "Q5_K_M", "Q4_K_L": "Q4_K_M", "Q2_K_L": "Q2_K"})
_KEPT_IN_8_BITS = ("output", "token_embd")
# A checkpoint published in MXFP4 (gpt-oss) becomes this mix: experts as they are, the rest in 8 bits.
ALIASES = MappingProxyType({"MXFP4": "MXFP4_MOE"})

# tensor_type_fallback: what a row that is not whole blocks of 256 gets
_FALLBACK = MappingProxyType(
    {
        **dict.fromkeys(
            ("iq1_s", "iq1_m", "iq2_xxs", "iq2_xs", "iq2_s", "iq3_xxs", "iq3_s", "iq4_xs"), "iq4_nl"
        ),
        **dict.fromkeys(("q2_0", "q2_K", "q3_K", "tq1_0", "tq2_0"), "q4_0"),
        "q4_K": "q5_0",
        "q5_K": "q5_1",
        "q6_K": "q8_0",
    }
)
# tensor_allows_quantization: matrices that stay as the converter wrote them, by part of their name
_NEVER_QUANTIZED = (
    "_norm",
    "ffn_gate_inp",
    "per_layer_model_proj",
    "position_embd",
    "ssm_conv1d",
    "altup",
    "laurel",
)
# conversion/base.py, prepare_tensors: matrices that are written in 32 bits whatever the file's type
_WRITTEN_F32 = (
    "_norm",
    "ffn_gate_inp",
    "position_embd",
    "ssm_conv1d",
    "indexer.proj",
    "altup_correct_coef",
    "altup_predict_coef",
)


def mix_of(quantization: Quantization) -> str:
    """The GGUF mix a quantization is loaded as.

    Raises:
        BadValue: llama.cpp does not load this quantization.
    """
    mix = ALIASES.get(quantization.id, quantization.id)
    if mix not in DEFAULT_TYPES and mix not in PACKAGED:
        raise BadValue(
            "quantization", quantization.id, "llama.cpp loads GGUF types such as Q4_K_M, Q8_0 or BF16"
        )
    return mix


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor and the type it is stored in."""

    tensor: GgufTensor
    type: str
    size_bytes: int = field(compare=False)


def stored_tensors(shape: Shape, mix: str, *, imatrix: bool = False) -> tuple[StoredTensor, ...]:
    """Every tensor of the file with its type and bytes.

    Args:
        shape: The model.
        mix: A GGUF file type as llama-quantize names it ("Q4_K_M"), or a packager's mix made of one ("Q4_K_L").
        imatrix: Whether an importance matrix was used; a few mixes then keep fewer bits in the first layers.
    """
    made_of = PACKAGED.get(mix, mix)
    default = DEFAULT_TYPES[made_of]
    facts = _facts(shape, made_of, imatrix=imatrix)
    seen: Counter[str] = Counter()
    stored = []
    for tensor in gguf_tensors(shape):
        kind = _type(tensor, default, facts, seen)
        if made_of != mix and tensor.name in _KEPT_IN_8_BITS and tensor.weight:
            kind = _fitting("q8_0", tensor.columns)
        row = GGUF_TYPES[kind].row_bytes(tensor.columns)
        stored.append(StoredTensor(tensor, kind, row * tensor.rows * tensor.matrices))
    return tuple(stored)


def bytes_by_type(stored: tuple[StoredTensor, ...]) -> dict[str, int]:
    """Bytes of each type in the file."""
    total: Counter[str] = Counter()
    for item in stored:
        total[item.type] += item.size_bytes
    return dict(total)


def _facts(shape: Shape, mix: str, *, imatrix: bool) -> Facts:
    """What the quantizer knows of the whole model."""
    tensors = gguf_tensors(shape)
    kind = shape.layer_kinds()[0]
    first_kv = kv_heads(shape, kind, 0)
    heads = layer_attention(shape, kind).heads if first_kv else 0
    recurrent, attention = shape.recurrent, shape.attention
    if not first_kv and recurrent and attention and recurrent.kind == "gated_delta_net":
        # converters of delta-net hybrids write one head count for all layers; the others write 0 for recurrent ones
        heads, first_kv = attention.heads, attention.kv_heads
    return Facts(
        mix=mix,
        architecture=shape.gguf_architecture or "",
        experts=shape.experts.total if shape.experts else 0,
        heads_per_kv_head=heads // first_kv if first_kv else 0,
        is_70b=_is_70b(shape),
        tied=all(tensor.name != "output" for tensor in tensors),
        imatrix=imatrix,
        layers=1 + max(tensor.layer for tensor in tensors),
        attention_values=sum(tensor.weight and tensor.name in ("attn_v", "attn_qkv") for tensor in tensors),
    )


def _is_70b(shape: Shape) -> bool:
    """LLM_TYPE_70B: the load_hparams of models/llama.cpp, qwen2.cpp, deci.cpp, olmo.cpp and jais2.cpp."""
    attention = shape.attention
    if attention is None:
        return False
    if (
        shape.gguf_architecture == "llama"
    ):  # an 80-layer mixture of 8 experts would be none of the named sizes
        return shape.layers == 80 and attention.heads != attention.kv_heads
    return (shape.gguf_architecture, shape.layers) in {
        ("qwen2", 80),
        ("deci", 80),
        ("olmo", 80),
        ("jais2", 68),
    }


def _type(tensor: GgufTensor, default: str, facts: Facts, seen: Counter[str]) -> str:
    """The type of one tensor; `seen` counts what the quantizer counts as it goes."""
    if tensor.rows * tensor.matrices == 1 or not tensor.weight:
        return "f32"
    if any(part in tensor.name for part in _NEVER_QUANTIZED):
        return "f32" if any(part in tensor.name for part in _WRITTEN_F32) else "bf16"
    if default in UNQUANTIZED:
        return "f32" if "indexer.proj" in tensor.name else default
    position = Position(seen=seen, layer=tensor.layer)
    chosen = preferred_type(tensor.name, tensor.columns, tensor.matrices, default, facts, position)
    return _fitting(chosen, tensor.columns)


def _fitting(chosen: str, columns: int) -> str:
    """The type itself where rows are whole blocks, else what replaces it."""
    if columns % GGUF_TYPES[chosen].weights == 0:
        return chosen
    chosen = _FALLBACK.get(chosen, chosen)
    return chosen if columns % GGUF_TYPES[chosen].weights == 0 else "f16"
