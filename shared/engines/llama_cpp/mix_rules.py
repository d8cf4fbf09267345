"""The quantizer's preferences: a better type for tensors that matter more, by mix.

llama_tensor_get_type_impl of llama.cpp's src/llama-quant.cpp, category by category:
https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/llama-quant.cpp#L446
"""

from collections import Counter
from dataclasses import dataclass

from shared.memory.gguf_types import GGUF_TYPES

_LOW_BITS = frozenset({"IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M"})
_TWO_BITS_AND_A_HALF = frozenset({"IQ2_S", "IQ2_M"})
_EIGHT_EXPERTS_OUTPUT_Q5 = frozenset(
    {
        "Q2_K",
        "IQ3_XS",
        "IQ3_XXS",
        "Q3_K_S",
        "Q3_K_M",
        "IQ4_NL",
        "Q4_K_S",
        "Q4_K_M",
        "IQ3_S",
        "IQ3_M",
        "IQ4_XS",
    }
)
_EMBEDDING = {
    "IQ2_XXS": "q2_K", "IQ2_XS": "q2_K", "IQ1_S": "q2_K", "IQ1_M": "q2_K",
    "IQ2_S": "iq3_s", "IQ2_M": "iq3_s", "IQ3_XXS": "iq3_s",
    "TQ1_0": "q4_K", "TQ2_0": "q4_K", "Q2_0": "q4_K",
}  # fmt: skip
_ATTENTION_OUTPUT = {"Q2_K": "q3_K", "IQ3_XXS": "iq3_s", "Q3_K_M": "q4_K", "Q3_K_L": "q5_K", "IQ3_M": "q4_K"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the quantizer knows of the whole model.

    Attributes:
        heads_per_kv_head: Of the first layer; 0 when it has no keys.
        layers: MTP layers included.
        attention_values: Tensors that count as attention values (attn_v, attn_qkv) in the file.
    """

    mix: str
    architecture: str
    experts: int
    heads_per_kv_head: int
    is_70b: bool
    tied: bool
    imatrix: bool
    layers: int
    attention_values: int


@dataclass(frozen=True, slots=True)
class Position:
    """Where in the file we are: counts of what has gone by, and the layer."""

    seen: Counter[str]
    layer: int

    def next(self, category: str) -> int:
        """How many of this category have gone by, counting this one from now on."""
        self.seen[category] += 1
        return self.seen[category] - 1


def preferred_type(name: str, columns: int, matrices: int, default: str, facts: Facts, at: Position) -> str:
    """The type of a quantizable tensor before its row size is looked at."""
    is_embedding = name in ("token_embd", "per_layer_token_embd")
    if name == "output" or (facts.tied and is_embedding):
        return _output(default, columns, facts)
    if facts.mix == "MXFP4_MOE":
        return "mxfp4" if matrices > 1 else "q8_0"
    if is_embedding:
        return _EMBEDDING.get(facts.mix, default)
    category = _category(name)
    if facts.mix in _LOW_BITS:
        return _low_bits(category, default, facts, at)
    match category:
        case "attention_value":
            return _attention_value(default, facts, at)
        case "attention_key":
            return "q8_0" if facts.experts == 8 else _query_or_key(default, facts)
        case "attention_query":
            return _query_or_key(default, facts)
        case "ffn_down":
            return _ffn_down(default, facts, at)
        case "attention_output":
            return _attention_output(default, facts)
        case "ffn_gate" | "ffn_up":
            return _ffn_in(category, default, facts, at)
        case _:
            return default


def _category(name: str) -> str:
    """tensor_get_category: by part of the name, first match."""
    exact = {
        "attn_qkv": "attention_value",
        "attn_kv_b": "attention_value",
        "attn_v": "attention_value",
        "attn_k": "attention_key",
        "attn_q": "attention_query",
        "attn_output": "attention_output",
    }
    if name in exact:
        return exact[name]
    return next((part for part in ("ffn_up", "ffn_gate", "ffn_down") if name.startswith(part)), "other")


def more_bits(layer: int, layers: int) -> bool:
    """The quantizer's use_more_bits: the first and last eighth, and every third layer between."""
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2


def _output(default: str, columns: int, facts: Facts) -> str:
    """The language-model head, or the embedding that serves as one."""
    if facts.mix == "MXFP4_MOE" or facts.architecture == "falcon" or columns % GGUF_TYPES[default].weights:
        return "q8_0"
    if facts.mix in _LOW_BITS or facts.mix == "IQ3_XXS":
        return "q5_K"
    return default if default == "q8_0" else "q6_K"


def _low_bits(category: str, default: str, facts: Facts, at: Position) -> str:
    """Mixes below three bits."""
    better = "iq3_s" if facts.mix in _TWO_BITS_AND_A_HALF else "q2_K"
    if category == "attention_value":
        at.next(category)
        return "q4_K" if facts.heads_per_kv_head >= 4 or facts.experts >= 4 else better
    if category == "attention_key" and facts.experts == 8:
        return "q4_K"
    if category == "ffn_down":
        return better if at.next(category) < facts.layers // 8 else default
    if category == "attention_output":
        if facts.experts == 8:
            return "q5_K"
        if facts.mix in ("IQ1_S", "IQ1_M"):
            return "iq2_xxs"
        if facts.mix in _TWO_BITS_AND_A_HALF:
            return "iq3_s"
    return default


def _attention_value(default: str, facts: Facts, at: Position) -> str:
    """Attention values (and fused query-key-value), the most sensitive matrices."""
    chosen = _attention_value_of_mix(default, facts, at.next("attention_value"))
    if facts.is_70b and chosen in ("q3_K", "q4_K"):
        chosen = "q5_K"
    return "q8_0" if facts.experts == 8 else chosen


def _attention_value_of_mix(default: str, facts: Facts, index: int) -> str:
    grouped = facts.heads_per_kv_head >= 4
    match facts.mix:
        case "Q2_K":
            return "q4_K" if grouped else "q3_K"
        case "Q2_K_S" | "IQ3_XS" | "IQ3_S" if grouped:
            return "q4_K"
        case "IQ3_XXS":
            return "q4_K" if grouped else "iq3_xxs" if facts.imatrix else "iq3_s"
        case "IQ3_M":
            return "q4_K"
        case "Q3_K_M":
            return "q5_K" if index < 2 else "q4_K"
        case "Q3_K_L":
            return "q5_K"
        case "IQ4_NL" | "IQ4_XS" if grouped:
            return "q5_K"
        case "Q4_K_M" | "Q5_K_M" if more_bits(index, facts.attention_values):
            return "q6_K"
        case "Q4_K_S" if index < 4:
            return "q5_K"
        case _:
            return default


def _query_or_key(default: str, facts: Facts) -> str:
    return {"IQ3_XS": "iq3_xxs", "IQ3_XXS": "iq2_s"}.get(facts.mix, default)


def _layer_index(category: str, facts: Facts, at: Position) -> int:
    """A mixture of experts goes by the layer's number, a dense model by how many have gone by."""
    index = at.next(category)
    return at.layer if facts.experts > 1 else index


def _ffn_down(default: str, facts: Facts, at: Position) -> str:
    """Down projections, of experts too."""
    layer, layers = _layer_index("ffn_down", facts, at), facts.layers
    early, falcon = layer < layers // 8, facts.architecture == "falcon"
    match facts.mix:
        case "Q2_K":
            return "q3_K"
        case "Q2_K_S" if early:
            return "q4_K"
        case "IQ3_XXS" if not facts.imatrix:
            return "q4_K" if early else "q3_K"
        case "Q3_K_M":
            if layer < layers // 16:
                return "q5_K"
            return "q4_K" if not falcon or more_bits(layer, layers) else "q3_K"
        case "IQ3_M" if early or (facts.experts == 8 and more_bits(layer, layers)):
            return "q4_K"
        case "Q3_K_L":
            return "q4_K" if falcon else "q5_K"
        case "Q4_K_M" if falcon:
            return "q6_K" if layer < layers // 16 else "q5_K" if more_bits(layer, layers) else "q4_K"
        case "Q4_K_M" | "Q5_K_M" if more_bits(layer, layers):
            return "q6_K"
        case "IQ4_NL" | "IQ4_XS" if early and not facts.imatrix:
            return "q5_K"
        case "Q4_K_S" if early and not falcon:
            return "q5_K"
        case "Q4_0" | "Q5_0" if early and facts.imatrix:
            return "q4_1" if facts.mix == "Q4_0" else "q5_1"
        case _:
            return default


def _attention_output(default: str, facts: Facts) -> str:
    if facts.architecture == "falcon":
        return "q4_K" if facts.mix == "Q3_K_L" else default
    if facts.experts == 8:
        return "q5_K" if facts.mix in _EIGHT_EXPERTS_OUTPUT_Q5 else default
    return _ATTENTION_OUTPUT.get(facts.mix, default)


def _ffn_in(category: str, default: str, facts: Facts, at: Position) -> str:
    layer, layers = _layer_index(category, facts, at), facts.layers
    middle = layers // 8 <= layer < 7 * layers // 8
    return "iq3_xxs" if facts.mix == "IQ3_XS" and middle else default
