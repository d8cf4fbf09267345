"""What the name of a published checkpoint says besides the model's: file, owner, quantization, format, tuning, date."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

_ADDRESS: Final = re.compile(
    r"^(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co|hf-mirror\.com|modelscope\.cn/models)/",
    re.IGNORECASE,
)
_ANY_ADDRESS: Final = re.compile(r"^https?://[^/]*/", re.IGNORECASE)
_REVISION: Final = re.compile(r"/(?:tree|blob|resolve)/[^/]+(?:/|$)")
_HUB_CACHE: Final = re.compile(r"models--([^/]+?)--([^/]+)")
_FILE: Final = re.compile(r"(?:[-_.]\d{5}-of-\d{5})?\.(?:gguf|safetensors)$", re.IGNORECASE)
_OWNER: Final = re.compile(r"^[a-z][a-z.-]*_(?=[a-z])", re.IGNORECASE)  # "google_gemma-3-27b-it-GGUF"


@cache
def _words(pattern: str) -> re.Pattern[str]:
    """The pattern between word boundaries, where an underscore separates words.

    Compiled when first used: most questions name no checkpoint.
    """
    return re.compile(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])", re.IGNORECASE)


_DYNAMIC: Final = re.compile(r"^ud[-_ ](?!q\d[-_ ]?k[-_ ]?x?l$)", re.IGNORECASE)
_GGUF_TYPE: Final = r"(?:ud[-_ ])?(?:i?q|tq)\d(?:[-_ ]?(?:[01k]|xxs|xs|xl|nl|[sml])(?![a-z0-9]*b(?![a-z])))*"
_BITS: Final = r"(?:[-_ .]?(?:int[-_]?|w)?(?P<bits>[2-8])(?:[-_]?bits?|a16)?(?![.x\d]|[-_ ]?b(?![a-z])))?"
# The more telling first: "AWQ-INT4" is AWQ, "Int4-W4A16" is W4A16. An empty id means that the words say no one row.
_RULES: Final[tuple[tuple[str, str], ...]] = (
    (r"mxfp4[-_]moe", "MXFP4_MOE"),
    (
        r"exl(?P<exl>[23])(?:[-_ ]?(?P<bpw>\d(?:[._]\d+)?)[-_ ]?(?:bpw|bits?)?)?|(?P<only>\d(?:[._]\d+)?)[-_ ]?bpw",
        "EXL",
    ),
    (_GGUF_TYPE, "="),
    (rf"(?:int4|4bit|3bit|2bit)[-_]gptq|gptq{_BITS}", "GPTQ"),
    (r"int8[-_]gptq|8bit[-_]gptq", "GPTQ-INT8"),
    (rf"awq{_BITS}|(?:int4|4bit)[-_]awq", "AWQ"),
    (r"(?:bnb|bitsandbytes)[-_]?(?:8[-_]?bit|int8)|llm[-._]int8", "LLM.INT8"),
    (r"(?:bnb|bitsandbytes)(?:[-_]?(?:4[-_]?bit|nf4))?|nf4", "NF4"),
    (r"nvfp4(?:a16)?", "NVFP4"),
    (r"mxfp4", "MXFP4"),
    (r"w4a16(?:[-_]?g\d+)?", "W4A16"),
    (r"w8a16", "W8A16"),
    (
        r"w8a8[-_]fp8|fp8(?:[-_.]?(?:w8a8|e4m3|dynamic|static|block|pertensor|per[-_]tensor|kv))*|fp8[-_]dynamic",
        "FP8",
    ),
    (r"w8a8(?:[-_]int8)?|smoothquant|int8", "INT8"),
    (r"bf16", "BF16"),
    (r"f(?:p)?16", "F16"),
    (r"f(?:p)?32", "F32"),
    (r"w\da\d{1,2}|int\d|fp4|\d(?:\.\d+)?[-_ ]?bits?|hqq|eetq|aqlm|quip|autoround|auto[-_]round", ""),
)
_PACKAGE: Final = (
    r"gguf|ggml|mlx|imatrix|imat|i1|ud|safetensors|quantized|quants?|dynamic|unsloth|compressed[-_]tensors|marlin|"
    r"channel|block|static|ptq|g\d{2,3}|gs\d{2,3}|\d{2,3}g|onnx|ov|openvino|vllm|ollama|text[-_]only"
)
_GGUF: Final = r"gguf|ggml"
_CONTEXT: Final = r"\d{2,4}k|\dm(?:[-_]?ctx)?"
_TRAINED: Final = r"thinking|reasoning|qat|preview"
_EDITED: Final = (
    r"(?:huihui(?:[-_]ai)?)|(?:abliterated|ablated|obliterated|heretic|heresy|uncensored|decensored|derestricted)"
    r"(?:[-_.]?v\d(?:\.\d+)?)?"
)
_DATE: Final = (
    r"20\d\d[-_ ](?:0[1-9]|1[0-2])(?:[-_ ][0-3]\d)?|(?:0[1-9]|1[0-2])[-_ ]20\d\d|"
    r"2[3-9](?:0[1-9]|1[0-2])|(?:0[1-9]|1[0-2])[0-3]\d"
)
_SIZE: Final = r"(?:\d+x)?\d+(?:\.\d+)?b"
_HYPHENATED: Final = re.compile(r"(?<=[a-z])([-_]?)(\d)[-_](\d)(?=[-_ ])", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """The name of a checkpoint taken apart.

    Attributes:
        names: (name, whether all it loses is packaging) from the whole name to the barest, to be looked up in turn.
        bare: The name without its words about storage and nothing else.
        quantization: Id of the quantization the name says; empty when it says one that is no single row ("4bit").
            None when it says nothing.
        said: The words that said so.
        is_gguf: Whether it holds GGUF files.
    """

    names: tuple[tuple[str, bool], ...]
    bare: str
    quantization: str | None
    said: str
    is_gguf: bool


def name_of(text: str) -> str:
    """The name of a repository, file, folder, web address or tag, without where it lies and without its owner."""
    text = _ANY_ADDRESS.sub("", _ADDRESS.sub("", text.strip())).partition("?")[0]
    cached = _HUB_CACHE.search(text)
    is_file = _FILE.search(text) is not None
    if cached and not is_file:
        return cached[2]
    if not is_file:
        text = _REVISION.split(text)[0]
    return _FILE.sub("", text.rstrip("/ ").rpartition("/")[2]).removesuffix(":latest").replace(":", "-")


def unpacked(text: str) -> Unpacked:
    """A checkpoint's name taken apart."""
    name = name_of(text)
    quantization, said, bare = _quantization(name)
    is_gguf = text.rstrip("/ ").lower().endswith(".gguf") or _words(_GGUF).search(name) is not None
    if is_gguf and quantization == "MXFP4":
        quantization = "MXFP4_MOE"  # llama.cpp's own mix, which files call by the short name
    return Unpacked(
        names=tuple(dict.fromkeys(_barer(name, bare))),
        bare=bare,
        quantization=quantization,
        said=said,
        is_gguf=is_gguf,
    )


def _quantization(name: str) -> tuple[str | None, str, str]:
    """The id a name says, the words that said it, and the name without any word about its storage."""
    found: str | None = None
    said = ""
    for rule, row_id in _RULES:
        match = _words(rule).search(name)
        if match is None:
            continue
        if found is None or (not found and row_id):
            found, said = _row_id(match, row_id), match[0]
        name = _words(rule).sub(" ", name)
    return found, said, _words(_PACKAGE).sub(" ", name)


def _row_id(match: re.Match[str], row_id: str) -> str:
    """The id a rule's match names."""
    groups = match.groupdict()
    if row_id == "=":  # of Unsloth's own mixes only those are another's that llama.cpp has a name for
        return _DYNAMIC.sub("", match[0])
    if row_id == "EXL":
        bits = groups["bpw"]
        if not bits:
            return ""
        spelled = f"{float(bits.replace('_', '.')):.2f}".removesuffix("0")  # 4.0, 4.5, 4.65
        return f"EXL{groups.get('exl') or 2}-{spelled}"
    bits = groups.get("bits")
    if row_id == "GPTQ" and bits == "8":
        return "GPTQ-INT8"
    return row_id if bits in (None, "4") else ""


def _barer(name: str, bare: str) -> Iterator[tuple[str, bool]]:
    """Names to look up, each saying less than the one before; True while only packaging was left out."""
    for whole in (name, bare):
        yield whole, True
        yield _OWNER.sub("", whole), True
        yield _HYPHENATED.sub(r"\1\2.\3", whole), True
    bare = _OWNER.sub("", bare)
    for dropped in (_CONTEXT, _TRAINED):
        bare = _words(dropped).sub(" ", bare)
        yield bare, True
    edited = _words(_EDITED).sub(" ", bare)
    yield edited, False
    if _words(_SIZE).search(edited):  # a date alone may stand for another size of the family
        yield _words(_DATE).sub(" ", edited), False
