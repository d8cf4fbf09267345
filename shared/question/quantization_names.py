"""Names of quantizations: finding them in text, and the rows of the catalog each may mean."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Quantization
from shared.errors import UnknownName
from shared.question.remaining import Remaining, is_not_meant

_METHODS: Final = r"gptq|awq|bnb|bitsandbytes|exl[23]|compressed[-_ ]tensors"
_CANDIDATE: Final = re.compile(
    rf"""(?<!\w)(?!(?<=\d\.)\d)(?:
    (?:ud[-_ ])?[it]?q\d(?:[-_.]?\d(?!\d|[bxk]|\.\d)|[-_ ]?k(?:[-_ ]?(?:xxs|xs|xl|[sml]))?|[-_](?:xxs|xs|nl|[sml])|
        (?<=iq\d)[ ]?(?:xxs|xs|nl|[sml]))?
  | exl[23][ ](?:\d(?:\.\d+)?[ ]?bpw|\d\.\d+)
  | (?:{_METHODS})(?:[-_]?(?:int|w|q)?[-_]?[2-8](?:\.\d+)?(?:[- ]?bits?|[- ]?bpw|a16)?
        | [ ](?:int[-_ ]?[2-8] | w[2-8]a16 | [2-8](?:\.\d+)?[- ]?(?:bits?|bpw)))?
  | int[-_ ]?\d{{1,2}}(?:[-_ ](?:{_METHODS}|w\da\d+|gguf))?
  | \d(?:\.\d+)?[- ]?bits?(?:[-_ ](?:{_METHODS}|gguf|nf4|mlx))?
  | \d(?:\.\d+)?[- ]?bpw(?:[ ]exl[23])?
  | w\da\d{{1,2}}(?:[-_](?:fp8|int8|g\d+))?
  | (?:nv|mx)[-_]?fp[-_]?\d(?:[-_ ]moe|[-_ ]gguf|-fp8)?
  | fp[-_]?\d{{1,2}}(?:[-_]dynamic)? | bf[-_]?\d\d | f16 | f32 | b?float(?:8|16|32) | e4m3 | nf4
  | half[-_ ]precision | (?:16|32)[-_ ]?bits? | llm[-.]?int8(?:\(\))? | ternary | smoothquant
  | hqq | aqlm | quip | spqr | eetq | vptq | higgs | load[-_]in[-_][48]bit
    )(?![\w]|\.\d)""",
    re.VERBOSE,
)
_GGUF: Final = re.compile(r"(?<![\w/])(?:gguf|ggml)(?![\w/])")
_DTYPE: Final = re.compile(
    r"(?<![\w-])(?:--)?dtype[ =:]+(?P<type>half|b?float16|b?fp?16|auto|float(?:32)?)(?!\w)"
)
_BITS: Final = re.compile(r"(?:int)?(\d)(?:bits?)?")
_SPELLED: Final = {
    "loadin4bit": "nf4",
    "loadin8bit": "llm.int8",
    "llm.int8()": "llm.int8",
    "llmint8": "llm.int8",
}

QuantizationNames = Mapping[str, tuple[Quantization, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One naming of a quantization: several rows when the words are loose ("4-bit")."""

    given: str
    rows: tuple[Quantization, ...]
    exact: bool
    bits: int | None  # "4-bit" says 4


def quantization_names(catalog: Catalog) -> QuantizationNames:
    """Every name in the catalog, without separators, and the rows it may mean, in the catalog's order."""
    names: dict[str, list[Quantization]] = {}
    for row in catalog.quantizations.values():
        for name in (row.id, re.sub(r"\s*\(.*\)", "", row.name), *row.aliases):
            rows = names.setdefault(_plain(name), [])
            if row not in rows:
                rows.append(row)
    return {name: tuple(rows) for name, rows in names.items()}


def named_quantizations(question: Remaining, names: QuantizationNames, catalog: Catalog) -> Iterator[Named]:
    """Every quantization named in what is left, taken out of it.

    Raises:
        UnknownName: Something of the form of a quantization that no row answers to.
    """
    named = list(question.find_all(_CANDIDATE))
    meant = [
        one for one in named if not is_not_meant(question.lower[: one.start()], question.lower[one.end() :])
    ]
    for match in named:
        if match in meant or not meant:
            yield _named(question, match, names, catalog)
        question.take_match(match)


def take_dtype(question: Remaining, names: QuantizationNames) -> Named | None:
    """The type of vLLM's `--dtype`, taken out; None when not said or left to the engine."""
    match = question.find(_DTYPE)
    if match is None:
        return None
    given = question.take_match(match)
    rows = names.get(_plain(match["type"]))
    return None if rows is None else Named(given=given, rows=rows, exact=False, bits=None)


def take_gguf(question: Remaining) -> bool:
    """Whether the question names llama.cpp's file format; its name is taken out."""
    matches = list(question.find_all(_GGUF))
    for match in matches:
        question.take_match(match)
    return bool(matches)


def without_quantizations(name: str) -> str:
    """A repository's name less the words that say how it is quantized."""
    return _GGUF.sub(" ", _CANDIDATE.sub(" ", name))


def _named(question: Remaining, match: re.Match[str], names: QuantizationNames, catalog: Catalog) -> Named:
    given = question.given(*match.span())
    for key in _keys(match[0]):
        if key in names:
            rows = names[key]
            rows = next(((row,) for row in rows if _plain(row.id) == key), rows)
            bits = _BITS.fullmatch(_plain(match[0]))
            return Named(
                given=given,
                rows=rows,
                exact=key == _plain(rows[0].id),
                bits=None if bits is None else int(bits[1]),
            )
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - slow to import, and only a misspelling needs it

    near = process.extract(
        match[0].upper(), list(catalog.quantizations), scorer=fuzz.ratio, limit=3, score_cutoff=50
    )
    raise UnknownName("quantization", given, near=[name for name, _, _ in near])


def _keys(typed: str) -> Iterable[str]:
    """Spellings to look up, the closest first: method and bits are said in either order."""
    plain = _plain(typed)
    yield _SPELLED.get(plain, plain)
    yield plain.removesuffix("s")
    yield plain.removeprefix("ud")
    method = re.search(_METHODS.replace("[-_ ]", ""), plain)
    bits = re.search(
        r"(?<!exl)(\d(?:\.\d+)?)(?:bits?|bpw|a16)?(?=$|gptq|awq|bnb|bits|exl|gguf|mlx|nf4|comp)", plain
    )
    if method is not None and bits is not None:
        yield f"{method[0]}{bits[1]}bit"
        yield f"{method[0]}{_bits_per_weight(bits[1])}bpw"
        if bits[1] == "4":
            yield method[0]
    elif bits is not None and not plain.startswith("fp"):
        yield f"{bits[1]}bit"
        yield f"{_bits_per_weight(bits[1])}bpw"


def _bits_per_weight(typed: str) -> str:
    """As the catalog writes it: 4.0, 4.5, 4.65."""
    return f"{float(typed):.2f}".removesuffix("0")


def _plain(name: str) -> str:
    """A name without case and separators."""
    return re.sub(r"[-_ ]", "", name.lower())
