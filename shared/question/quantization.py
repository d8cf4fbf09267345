"""The weights' quantization in a question: "q4", "AWQ", "4.0bpw", "unquantized"."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Model, Quantization, QuantizationFormat
from shared.question.quantization_names import (
    Named,
    QuantizationNames,
    named_quantizations,
    take_dtype,
    take_gguf,
)
from shared.question.query import Ambiguity
from shared.question.remaining import Remaining

_PUBLISHED: Final = re.compile(
    r"(?<![\w-])(?:un-?quanti[sz]ed|non-?quanti[sz]ed|not quanti[sz]ed|(?:full|native|original|"
    r"max(?:imum)?|no loss of) precision|"
    r"(?:without|no|w/o) (?:any )?quanti[sz](?:ation|ing)|(?:original|full|raw) weights|lossless)(?!\w)"
)


def read_quantization(
    question: Remaining, names: QuantizationNames, catalog: Catalog, *, is_packaged: bool
) -> tuple[Named, ...]:
    """The quantizations named; `settle_quantization` makes one of them when engine and model are known.

    Args:
        question: What is left to read.
        names: The catalog's quantizations.
        catalog: The facts.
        is_packaged: A repository has said one already.

    Raises:
        UnknownName: Something of the form of a quantization that no row answers to.
    """
    dtype = take_dtype(question, names)
    named = list(named_quantizations(question, names, catalog))
    if dtype is not None and not named and not is_packaged:
        named = [dtype]  # the type of quantized weights' activations is not the weights'
    if take_gguf(question):
        named = [replace(one, rows=_of_gguf(one.rows)) for one in named]
    return tuple(_merged(named))


def settle_quantization(
    question: Remaining, named: Sequence[Named], engine: str | None, model: Model | None
) -> Quantization | None:
    """The quantization meant; None when none was named, or several (then an ambiguity is recorded)."""
    choices = {(row := _likeliest(one.rows, engine, model)).id: (one, row) for one in named}
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


def _of_gguf(rows: tuple[Quantization, ...]) -> tuple[Quantization, ...]:
    return tuple(row for row in rows if row.format is QuantizationFormat.GGUF) or rows


def _merged(found: Sequence[Named]) -> list[Named]:
    """Namings less those that say again, more loosely, what another says: "4-bit (Q4_K_S)", "EXL2, 4.5bpw"."""
    merged: list[Named] = []
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


def _likeliest(rows: tuple[Quantization, ...], engine: str | None, model: Model | None) -> Quantization:
    """The row a loose name most likely means.

    One the engine loads; then the one the model is published in ("Kimi K2 Thinking, INT4"), the medium mix of a GGUF
    type, and the catalog's order.
    """
    loaded = [row for row in rows if engine in row.engines] or list(rows)
    if loaded[0].format is QuantizationFormat.EXL:
        return min(loaded, key=lambda row: abs(row.bits_per_weight - 4))
    published = None if model is None else model.native_quantization
    return next(
        (row for row in loaded if row.id == published),
        next((row for row in loaded if row.id.endswith("_K_M")), loaded[0]),
    )
