"""The weights' quantization in a question: "q4", "AWQ", "4.0bpw", "unquantized"."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rapidfuzz import fuzz, process

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Model, Quantization, QuantizationFormat
from shared.errors import UnknownName
from shared.question.query import Ambiguity
from shared.question.remaining import Remaining

_METHODS: Final = r"gptq|awq|bnb|bitsandbytes|exl[23]|compressed[-_ ]tensors"
_CANDIDATE: Final = re.compile(
    rf"""(?<!\w)(?!(?<=\d\.)\d)(?:
    (?:ud[-_ ])?[it]?q\d(?:[-_.]?\d(?![\d.bxk])|[-_ ]?k(?:[-_ ]?(?:xxs|xs|xl|[sml]))?|[-_](?:xxs|xs|nl|[sml])|
        (?<=iq\d)[ ]?(?:xxs|xs|nl|[sml]))?
  | (?:{_METHODS})(?:[-_ ]?(?:int|w|q)?[-_]?[2-8](?:\.\d+)?(?:[- ]?bits?|[- ]?bpw|a16)?)?
  | int[-_ ]?\d{{1,2}}(?:[-_ ](?:{_METHODS}|w\da\d+|gguf))?
  | \d(?:\.\d+)?[- ]?bits?(?:[-_ ](?:{_METHODS}|gguf|nf4|mlx))?
  | \d(?:\.\d+)?[- ]?bpw(?:[ ]exl[23])?
  | (?:exl[23][ ])\d(?:\.\d+)?[ ]?bpw
  | w\da\d{{1,2}}(?:[-_](?:fp8|int8|g\d+))?
  | (?:nv|mx)[-_]?fp[-_]?\d(?:[-_ ]moe|[-_ ]gguf)?
  | fp[-_]?\d{{1,2}}(?:[-_]dynamic)? | bf[-_]?\d\d | f16 | f32 | b?float(?:8|16|32) | e4m3 | nf4
  | half[-_ ]precision | (?:16|32)[-_ ]?bits? | llm[-.]?int8(?:\(\))? | ternary | smoothquant | load[-_]in[-_][48]bit
    )(?![\w]|\.\d)""",
    re.VERBOSE,
)
_PUBLISHED: Final = re.compile(
    r"(?<![\w-])(?:un-?quanti[sz]ed|non-?quanti[sz]ed|not quanti[sz]ed|(?:full|native|original|max(?:imum)?|no loss of) precision|"
    r"(?:without|no|w/o) (?:any )?quanti[sz](?:ation|ing)|(?:original|full|raw) weights|lossless)(?!\w)"
)
_GGUF: Final = re.compile(r"(?<![\w/])(?:gguf|ggml)(?![\w/])")
_BITS: Final = re.compile(r"(?:int)?(\d)(?:bits?)?")
_SPELLED: Final = {
    "loadin4bit": "nf4",
    "loadin8bit": "llm.int8",
    "llm.int8()": "llm.int8",
    "llmint8": "llm.int8",
}

QuantizationNames = Mapping[str, tuple[Quantization, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
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


def read_quantization(
    question: Remaining, names: QuantizationNames, catalog: Catalog, engine: str | None
) -> Quantization | None:
    """The quantization named; None when none or several were (then an ambiguity is recorded).

    Raises:
        UnknownName: Something of the form of a quantization that no row answers to.
    """
    is_gguf = question.find(_GGUF) is not None
    found = [_named(question, match, names, catalog) for match in question.find_all(_CANDIDATE)]
    for match in (*question.find_all(_CANDIDATE), *question.find_all(_GGUF)):
        question.take_match(match)
    choices = {
        (row := _likeliest(one.rows, engine, is_gguf=is_gguf)).id: (one, row) for one in _merged(found)
    }
    if not choices:
        return None
    if len(choices) > 1:
        given = " or ".join(one.given for one, _ in choices.values())
        question.ambiguous.append(Ambiguity(field="quantization", given=given, choices=tuple(choices)))
        return None
    ((one, row),) = choices.values()
    how = "assumed" if len(one.rows) > 1 else "exact" if one.exact else "alias"
    question.note("quantization", one.given, row.id, how)
    return row


def _merged(found: Sequence[_Named]) -> list[_Named]:
    """Namings less those that say again, more loosely, what another says: "4-bit (Q4_K_S)", "EXL2, 4.5bpw"."""
    merged: list[_Named] = []
    for one in sorted(found, key=lambda named: len(named.rows)):
        for index, other in enumerate(merged):
            both = tuple(
                row for row in other.rows if row in one.rows or math.floor(row.bits_per_weight) == one.bits
            )
            if both and (len(one.rows) > 1 or both == one.rows):
                merged[index] = replace(other, rows=both)
                break
        else:
            merged.append(one)
    return merged


def asks_for_published_precision(question: Remaining) -> str | None:
    """The words that ask for the weights as published ("unquantized"), or None."""
    match = question.find(_PUBLISHED)
    return None if match is None else question.take_match(match)


def published_quantization(model: Model | None, catalog: Catalog) -> Quantization | None:
    """The precision a model is published in; without a model, the best 16-bit row there is."""
    if model is not None:
        return catalog.quantizations[model.native_quantization]
    plain = [row for row in catalog.quantizations.values() if row.format is QuantizationFormat.PLAIN]
    return next((row for row in plain if row.bits_per_weight == 16), None)


def mentions_gguf(question: Remaining) -> bool:
    """Whether the question names llama.cpp's file format."""
    return question.find(_GGUF) is not None


def _named(question: Remaining, match: re.Match[str], names: QuantizationNames, catalog: Catalog) -> _Named:
    given = question.given(*match.span())
    for key in _keys(match[0]):
        if key in names:
            rows = names[key]
            rows = next(((row,) for row in rows if _plain(row.id) == key), rows)
            bits = _BITS.fullmatch(_plain(match[0]))
            return _Named(
                given=given,
                rows=rows,
                exact=key == _plain(rows[0].id),
                bits=None if bits is None else int(bits[1]),
            )
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
        yield f"{method[0]}{float(bits[1]):.1f}bpw"
        if bits[1] == "4":
            yield method[0]
    elif bits is not None and not plain.startswith("fp"):
        yield f"{bits[1]}bit"
        yield f"{float(bits[1]):.1f}bpw"


def _likeliest(rows: tuple[Quantization, ...], engine: str | None, *, is_gguf: bool) -> Quantization:
    """The row a loose name most likely means: one the engine loads, the medium mix of a GGUF type, then order."""
    loaded = [row for row in rows if engine in row.engines] or list(rows)
    if is_gguf:
        loaded = [row for row in loaded if row.format is QuantizationFormat.GGUF] or loaded
    if loaded[0].format is QuantizationFormat.EXL:
        return min(loaded, key=lambda row: abs(row.bits_per_weight - 4))
    return next((row for row in loaded if row.id.endswith("_K_M")), loaded[0])


def _plain(name: str) -> str:
    """A name without case and separators."""
    return re.sub(r"[-_ ]", "", name.lower())


def without_quantizations(name: str) -> str:
    """A repository's name less the words that say how it is quantized."""
    return _GGUF.sub(" ", _CANDIDATE.sub(" ", name))
