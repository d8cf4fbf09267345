"""The KV cache type in a question: read before the weights' quantization, so that "q8 kv" is not taken for it."""

import re
from typing import Final

from shared.question.remaining import Remaining

_NAME: Final = (
    r"(?P<type>fp?32|bf16|fp?16|q8[_ ]?0|q5[_ ]?[01]|q4[_ ]?[01]|iq4_?nl|q8|q5|q4|fp8[_-]e[45]m[23]|fp8|e4m3|e5m2|"
    r"nvfp4|int8|int4|(?:8|4|16)[- ]?bits?|auto)"
)
_TYPE: Final = rf"{_NAME}(?!\w|\.\d)"
_CACHE: Final = r"(?:k[/ &+]?v(?:[-_ ]?cach(?:e|ing))?|key[- ]value cache|(?:context|attention) cache)"
_LINK: Final = (
    r"(?:[ :=]|\b(?:dtype|type|quant(?:i[sz]ed|i[sz]ation)?|precision|at|in|as|of|to|is|with|set|using)\b)*"
)
_FLAG: Final = re.compile(
    rf"(?<![\w-])(?:--?|ollama_)?(?:cache-type-(?P<half>[kv])|ct(?P<short>[kv])|kv[-_]cache[-_](?:d?type|quantization)|"
    rf"type[-_][kv]|kvcache|kv)[ =:]+\"?{_TYPE}"
)
_AFTER: Final = re.compile(rf"(?<![\w-]){_CACHE}{_LINK}[ :=-]{_TYPE}(?! (?:weights?|model|quants?|gguf)\b)")
_BEFORE: Final = re.compile(
    rf"(?<![\w.]){_NAME}[- ]*(?:quant(?:i[sz]ed|i[sz]ation)? )?(?:{_CACHE}|cache)(?!\w)"
)
_UNSAID: Final = re.compile(
    rf"(?:quanti[sz]ed? (?:the |my )?{_CACHE}|{_CACHE}[ -](?:is )?quant(?:i[sz]ed|i[sz]ation)?)(?!\w)"
)
_LLAMA_CPP: Final = {
    "fp32": "f32", "fp16": "f16", "16bit": "f16", "q8": "q8_0", "q80": "q8_0", "q5": "q5_0", "q50": "q5_0",
    "q51": "q5_1", "q4": "q4_0", "q40": "q4_0", "q41": "q4_1", "iq4nl": "iq4_nl", "e4m3": "fp8_e4m3",
    "e5m2": "fp8_e5m2", "fp8e4m3": "fp8_e4m3", "fp8e5m2": "fp8_e5m2",
}  # fmt: skip
_BY_BITS: Final = {"8bit": "q8_0", "int8": "q8_0", "4bit": "q4_0", "int4": "q4_0"}


def read_kv_cache_type(question: Remaining, engine: str | None) -> str | None:
    """The type both halves of the KV cache are to have, as the engines spell it; None when not said."""
    found: list[tuple[str, str]] = []  # (as typed, type)
    for pattern in (_FLAG, _AFTER, _BEFORE):
        found += [(question.take_match(match), match["type"]) for match in question.find_all(pattern)]
    if not found:
        return _unsaid_type(question, engine)
    given, typed = found[0]
    value, how = _spelled(typed, engine)
    question.note("kv_cache_type", given, value, how)
    halves = {_spelled(other, engine)[0] for _, other in found}
    if len(halves) > 1:
        question.warnings.append(f"I plan one type for keys and values alike: {value}.")
    return value


def _spelled(typed: str, engine: str | None) -> tuple[str, str]:
    """The engine's own name of a type, and how it was found."""
    plain = re.sub(r"[-_ ]", "", typed).removesuffix("s")
    if plain in _BY_BITS:
        # only llama.cpp has integer types; the servers' 8-bit cache is FP8
        is_server = engine is not None and engine != "llama.cpp"
        return ("fp8" if is_server and "8" in plain else _BY_BITS[plain]), "assumed"
    value = _LLAMA_CPP.get(plain, plain)
    return value, "exact" if value == typed else "alias"


def _unsaid_type(question: Remaining, engine: str | None) -> str | None:
    """The type of "with a quantized KV cache": 8 bits, the mildest quantized type there is."""
    match = question.find(_UNSAID)
    if match is None:
        return None
    value, _ = _spelled("8bit", engine)
    question.note("kv_cache_type", question.take_match(match), value, "assumed")
    return value
