"""Which quantization a checkpoint is published in, from config.json's quantization_config (pure)."""

from collections.abc import Mapping
from typing import Any, Final

from shared.errors import Unsupported, shown
from shared.hub.config.shape import text_part
from shared.hub.fields import Fields

_DTYPES: Final = {
    "bfloat16": "BF16",
    "float16": "F16",
    "float32": "F32",
    "BF16": "BF16",
    "F16": "F16",
    "F32": "F32",
}
_MODELOPT: Final = {"FP8": "FP8", "NVFP4": "NVFP4", "W4A16_AWQ": "AWQ", "MIXED_PRECISION": "NVFP4"}
_FP8_METHODS: Final = frozenset({"fp8", "fbgemm_fp8"})


def quantization_of_config(config: Mapping[str, Any], stored_dtype: str | None) -> str:
    """Id of the quantization a checkpoint is stored in.

    Args:
        config: config.json.
        stored_dtype: The type most weights are stored in, as the safetensors headers say ("BF16"), where known.

    Raises:
        Unsupported: The config names a method no row of the catalog stands for.
    """
    inner, _ = text_part(config)
    holder = inner if "quantization_config" in inner else Fields(config)
    if "quantization_config" in holder:
        return _with_experts(inner, holder.part("quantization_config"))
    said = inner.text("torch_dtype", inner.text("dtype")) or Fields(config).text(
        "torch_dtype", Fields(config).text("dtype")
    )
    dtype = _DTYPES.get(stored_dtype or "") or _DTYPES.get(said)
    if dtype is None and stored_dtype in ("F8_E4M3", "F8_E5M2"):
        return "FP8"
    if dtype is None and (stored_dtype or said):
        raise Unsupported(
            f"The weights are stored as {shown(stored_dtype or said)}, which I have no row for."
        )
    return dtype or "F32"  # what transformers takes when nothing is said


def _with_experts(c: Fields, q: Fields) -> str:
    """The row of a method, or of the method and what the experts are stored in beside it (DeepSeek V4)."""
    if q.is_text("moe_quant_algo") and q.text("moe_quant_algo") in _MODELOPT:
        return _MODELOPT[q.text("moe_quant_algo")]
    row = _of_method(q)
    experts = c.text("expert_dtype") or q.text("expert_dtype")
    return "MXFP4-FP8" if row == "FP8" and experts == "fp4" else row


def _of_method(q: Fields) -> str:
    method = q.text("quant_method", "modelopt" if "quant_algo" in q else "").lower()
    if "quant_algo" in q and method in ("modelopt", "modelopt_fp4", "fp8"):
        algorithm = q.text("quant_algo")
        if algorithm in _MODELOPT and not (algorithm == "MIXED_PRECISION" and method == "fp8"):
            return _MODELOPT[algorithm]
        if method != "fp8":
            raise Unsupported(
                f"The weights are quantized by modelopt's {shown(algorithm)}, which I have no row for."
            )
    if method in _FP8_METHODS:
        return "FP8"
    if method == "mxfp4":
        return "MXFP4"
    if method in ("awq", "gptq"):
        bits = q.whole("bits", "w_bit", default=4, most=32)
        found = {("awq", 4): "AWQ", ("gptq", 4): "GPTQ", ("gptq", 8): "GPTQ-INT8"}.get((method, bits))
        if found is not None:
            return found
        raise Unsupported(f"The weights are {method.upper()} of {bits} bits, which I have no row for.")
    if method == "bitsandbytes":
        return "NF4" if q.flag("load_in_4bit", "_load_in_4bit", default=False) else "LLM.INT8"
    if method == "compressed-tensors":
        return _compressed(q)
    if method in ("exl2", "exl3"):
        return f"{method.upper()}-{q.number('bits', 4.0):.1f}"
    raise Unsupported(
        f"The weights are quantized by {shown(method or 'an unnamed method')}, which I have no row for."
    )


def _compressed(q: Fields) -> str:
    """compressed-tensors says how in groups; the first stands for the whole, as in every published checkpoint."""
    groups = q.part("config_groups")
    weights, inputs = Fields({}), Fields({})
    for name in ("group_0", "FP8", "NVFP4"):
        if name in groups:
            weights = groups.part(name).part("weights")
            inputs = groups.part(name).part("input_activations")
            break
    bits, kind = weights.whole("num_bits", default=0, most=32), weights.text("type")
    if kind == "float" and bits == 8:
        return "FP8"
    if kind == "float" and bits == 4:
        return "MXFP4" if "mxfp4" in q.text("format") else "NVFP4"
    if kind == "int" and bits == 8:
        return "INT8" if "num_bits" in inputs else "W8A16"
    if kind == "int" and bits == 4 and "num_bits" not in inputs:
        return "W4A16"
    raise Unsupported(
        f"The weights are compressed-tensors of {bits} bits ({kind or 'no type'}), which I have no row for."
    )
