"""Bytes of a Hugging Face checkpoint's tensors under a quantization scheme."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.catalog.rows import Model, Quantization, QuantizationFormat
from shared.errors import Unsupported
from shared.memory.tensor import Role, Tensor
from shared.memory.tensors import inventory
from shared.units import ceil_div

EXPERTS: Final = frozenset({Role.EXPERT_GATE, Role.EXPERT_UP, Role.EXPERT_DOWN})
FEED_FORWARD: Final = frozenset(
    {
        Role.FFN_GATE,
        Role.FFN_UP,
        Role.FFN_DOWN,
        Role.SHARED_EXPERT_GATE,
        Role.SHARED_EXPERT_UP,
        Role.SHARED_EXPERT_DOWN,
    }
)
ATTENTION: Final = frozenset(
    {
        Role.QUERY,
        Role.KEY,
        Role.VALUE,
        Role.ATTENTION_OUTPUT,
        Role.QUERY_DOWN,
        Role.QUERY_UP,
        Role.KV_DOWN,
        Role.KV_UP_KEY,
        Role.KV_UP_VALUE,
    }
)

# What a published quantized checkpoint quantizes: the linear layers inside the blocks. Embeddings, the head, norms,
# routers and convolutions keep 16 bits (the `ignore` and `modules_to_not_convert` lists of such checkpoints).
LINEAR: Final = EXPERTS | FEED_FORWARD | ATTENTION | {Role.STATE_IN, Role.STATE_GATE, Role.STATE_OUT}

_FP8_BLOCK: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """How a checkpoint stores its matrices.

    Attributes:
        quantized: Roles of the matrices that are quantized; all others take `plain_bytes` a weight.
        millibits: Thousandths of a bit per quantized weight, scales not counted.
        group: Weights along the input that share a scale; 0 means one scale per output row.
        scale_bytes: Bytes of one scale.
        zero_bits: Bits of the zero point each group has.
        square_blocks: Scales per 128 x 128 block instead (DeepSeek's FP8).
        matrix_bytes: Bytes of what each matrix has once (NVFP4's global scale).
        rest: How the matrices that are not of `quantized` roles are stored, where not in `plain_bytes`.
    """

    plain_bytes: int = 2
    quantized: frozenset[Role] = frozenset()
    millibits: int = 0
    group: int = 0
    scale_bytes: int = 4
    zero_bits: int = 0
    square_blocks: bool = False
    matrix_bytes: int = 0
    rest: "Scheme | None" = None

    def quantizes(self, role: Role, *, vector: bool) -> bool:
        """Whether a tensor of this role is stored in the quantized type."""
        return not vector and role in self.quantized

    def quantized_bytes(self, rows: int, columns: int, matrices: int) -> int:
        """Weights, scales and zero points of quantized matrices of `rows` outputs by `columns` inputs."""
        weights = ceil_div(rows * columns * self.millibits, 8000)
        if self.square_blocks:
            scales = ceil_div(rows, _FP8_BLOCK) * ceil_div(columns, _FP8_BLOCK) * self.scale_bytes
        elif self.group:
            groups = rows * ceil_div(columns, self.group)
            scales = groups * self.scale_bytes + ceil_div(groups * self.zero_bits, 8)
        else:
            scales = rows * self.scale_bytes
        return (weights + scales + self.matrix_bytes) * matrices

    def tensor_bytes(self, tensor: Tensor) -> int:
        """Bytes of a whole tensor."""
        if self.quantizes(tensor.role, vector=tensor.is_vector or tensor.bias):
            return self.quantized_bytes(tensor.rows, tensor.columns, tensor.matrices)
        if self.rest is not None:
            return self.rest.tensor_bytes(tensor)
        return tensor.parameters * self.plain_bytes


@lru_cache(maxsize=1024)
def scheme(model: Model, quantization: Quantization) -> Scheme:
    """How `model` is stored in `quantization`.

    Sources: AWQ and GPTQ layouts as https://github.com/casper-hansen/AutoAWQ and AutoGPTQ write them (fp16 scale and
    packed zero point per group); compressed-tensors' symmetric groups; FP8 with a scale per output channel, or per
    128 x 128 block where the model's makers publish it (DeepSeek-V3, arXiv 2412.19437, 3.3; Qwen3); NF4 with fp32
    absmax per 64 (arXiv 2305.14314); OCP MX 1.0 for MXFP4, in the experts only (gpt-oss model card); NVFP4 with an
    FP8 scale per 16.

    Raises:
        Unsupported: The format is not one of a Hugging Face checkpoint.
    """
    group = quantization.group_size
    eight = quantization.bits_per_weight >= 7
    match quantization.format:
        case QuantizationFormat.PLAIN:
            return Scheme(plain_bytes=4 if quantization.bits_per_weight > 16 else 2)
        case QuantizationFormat.FP8:
            return Scheme(quantized=LINEAR, millibits=8000, square_blocks=_fp8_in_blocks(model, quantization))
        case QuantizationFormat.INT8:
            return Scheme(quantized=LINEAR, millibits=8000)
        case QuantizationFormat.AWQ | QuantizationFormat.GPTQ:
            return _with_zero_points(group or 128, 8 if eight else 4)
        case QuantizationFormat.COMPRESSED:
            return Scheme(quantized=LINEAR, millibits=8000 if eight else 4000, group=group, scale_bytes=2)
        case QuantizationFormat.BITSANDBYTES:
            return _bits_and_bytes(group, eight=eight)
        case QuantizationFormat.MXFP4:
            roles = EXPERTS if model.shape.experts else LINEAR
            return Scheme(quantized=roles, millibits=4000, group=32, scale_bytes=1)
        case QuantizationFormat.MXFP4_FP8:
            return _experts_apart(model, quantization)
        case QuantizationFormat.NVFP4:
            return Scheme(quantized=LINEAR, millibits=4000, group=16, scale_bytes=1, matrix_bytes=4)
        case QuantizationFormat.EXL:
            millibits = round(quantization.bits_per_weight * 1000)
            return Scheme(quantized=LINEAR | {Role.OUTPUT}, millibits=millibits)
        case QuantizationFormat.GGUF:
            raise _no_checkpoint(model, quantization)


def _with_zero_points(group: int, bits: int) -> Scheme:
    """AWQ and GPTQ: an fp16 scale and a packed zero point per group."""
    return Scheme(quantized=LINEAR, millibits=bits * 1000, group=group, scale_bytes=2, zero_bits=bits)


def _bits_and_bytes(group: int, *, eight: bool) -> Scheme:
    """LLM.int8, or 4 bits with a scale per block."""
    if eight:
        return Scheme(quantized=LINEAR, millibits=8000)
    return Scheme(quantized=LINEAR, millibits=4000, group=group or 64)


def _no_checkpoint(model: Model, quantization: Quantization) -> Unsupported:
    return Unsupported(
        f"{quantization.id} is a GGUF type, which no Hugging Face checkpoint has; "
        f"its published {model.native_quantization} weights, FP8 or AWQ would work."
    )


def _experts_apart(model: Model, quantization: Quantization) -> Scheme:
    """MXFP4 experts and FP8 blocks elsewhere, which only the model's makers publish (DeepSeek V4)."""
    if model.native_quantization != quantization.id:
        raise Unsupported(
            f"{quantization.id} is how DeepSeek V4 is published and nothing else; "
            f"{model.native_quantization}, FP8 or AWQ weights work for {model.name}."
        )
    rest = Scheme(
        quantized=LINEAR | {Role.OUTPUT_DOWN, Role.INDEXER_QUERY}, millibits=8000, square_blocks=True
    )
    return Scheme(quantized=EXPERTS, millibits=4000, group=32, scale_bytes=1, rest=rest)


def _fp8_in_blocks(model: Model, quantization: Quantization) -> bool:
    """Whether the makers of the model publish its FP8 weights: theirs have a scale per block, others' one per row."""
    owner = model.repo_id.partition("/")[0]
    published = (row.repo_id for row in model.quantized_repos if row.quantization == quantization.id)
    return model.native_quantization == quantization.id or any(
        repo.partition("/")[0] == owner for repo in published
    )


@lru_cache(maxsize=4096)
def checkpoint_bytes(model: Model, quantization: Quantization) -> int:
    """Bytes of the weights as stored, with towers (16-bit) and multi-token-prediction layers."""
    stored = scheme(model, quantization)
    tensors = inventory(model.shape)
    total = sum(stored.tensor_bytes(tensor) for tensor in tensors.model)
    for group in tensors.groups:
        total += len(group.layers) * sum(stored.tensor_bytes(tensor) for tensor in group.tensors)
    total += tensors.mtp_layers * sum(stored.tensor_bytes(tensor) for tensor in tensors.mtp)
    return total + sum(tower.parameters for tower in model.towers) * stored.plain_bytes
