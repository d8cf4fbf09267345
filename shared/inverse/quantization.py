"""The best quantization that fits."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu, Model, Quantization
from shared.inverse.answer import Answer, Solved, why_not
from shared.inverse.attempt import Attempt
from shared.inverse.question import question
from shared.memory.workload import Workload

_TWINS: Final = {"BF16": {"BF16", "F16"}, "F16": {"BF16", "F16"}, "MXFP4": {"MXFP4", "MXFP4_MOE"}}


def is_native(quantization: Quantization, model: Model) -> bool:
    """Whether this is the precision the model was published in (its GGUF twin included)."""
    return quantization.id in _TWINS.get(model.native_quantization, {model.native_quantization})


def by_quality(model: Model, engine: str, catalog: Catalog) -> tuple[Quantization, ...]:
    """What this engine loads of a model, best quality first: as published, then what is smaller, by rank.

    Nothing larger than the published precision is among them, for no quality is gained by it. Of equal quality the
    smaller is first.
    """
    native = catalog.quantizations.get(model.native_quantization)
    ceiling = native.bits_per_weight if native is not None else 16.0
    rows = [
        row
        for row in catalog.quantizations.values()
        if engine in row.engines and (is_native(row, model) or row.bits_per_weight < ceiling)
    ]

    def worse(row: Quantization) -> tuple[bool, bool, int, float]:
        return row.id != model.native_quantization, not is_native(row, model), row.rank, row.bits_per_weight

    return tuple(sorted(rows, key=worse))


def best_quantization(
    workload: Workload, gpus: Sequence[Gpu], catalog: Catalog, *, free_bytes: Sequence[int] | None = None
) -> Answer:
    """The quantization of the best quality that this engine and card load and that fits; the workload's is not read.

    Quality is the catalog's measured order. A better one may be smaller than a worse one, so they are tried in that
    order and not halved: the first that fits is the best, and `beyond` the last better one that was loaded and did
    not fit.

    Raises:
        UserError: No GPU, no such engine, or no rule for the model in it.
    """
    asked = question(workload, gpus, catalog, free_bytes)
    too_large: Attempt | None = None
    refused = ""
    for row in by_quality(workload.model, workload.engine, catalog):
        made = asked.attempted(replace(workload, quantization=row))
        if made.fits:
            return _answer(row, made, too_large)
        if made.estimate is not None:
            too_large = made
        refused = refused or made.reason
    return _answer(None, None, too_large, refused)


def _answer(
    row: Quantization | None, made: Attempt | None, too_large: Attempt | None, refused: str = ""
) -> Answer:
    estimate = too_large.estimate if too_large is not None else None
    if too_large is None or estimate is None:
        reason = refused or "Nothing better is loaded there."
    else:
        reason = why_not(estimate.workload.quantization.name, too_large)
    return Answer(
        solved=Solved.QUANTIZATION,
        value=row.id if row is not None else None,
        estimate=made.estimate if made is not None else None,
        beyond=estimate.workload.quantization.id if estimate is not None else None,
        beyond_estimate=estimate,
        reason=reason,
    )
