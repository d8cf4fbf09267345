"""All names a parser needs of one catalog, built once."""

import re
from dataclasses import dataclass
from typing import Final

from shared.catalog.catalog import Catalog
from shared.question.engine import engine_pattern
from shared.question.gpu_names import GpuNames, gpu_names
from shared.question.model_names import ModelNames, model_names
from shared.question.quantization_names import QuantizationNames, quantization_names

_MOST_HELD: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionNames:
    """Names of models, GPUs, quantizations and engines, ready for lookup."""

    models: ModelNames
    gpus: GpuNames
    quantizations: QuantizationNames
    engine_pattern: re.Pattern[str]
    engine_names: dict[str, str]


# Names of the catalogs in use, keyed by identity since a catalog never changes; the catalog is held beside its names
# so that its id is not given to another.
_HELD: dict[int, tuple[Catalog, QuestionNames]] = {}


def names_of(catalog: Catalog) -> QuestionNames:
    """The names of a catalog; built on first use, which takes some 50 ms."""
    held = _HELD.get(id(catalog))
    if held is not None:
        return held[1]
    names = _build(catalog)
    hold_names(catalog, names)
    return names


def hold_names(catalog: Catalog, names: QuestionNames) -> None:
    """Use names that were built before, by whoever kept them together with their catalog."""
    while len(_HELD) >= _MOST_HELD:
        _HELD.pop(next(iter(_HELD)), None)
    _HELD[id(catalog)] = (catalog, names)


def _build(catalog: Catalog) -> QuestionNames:
    pattern, means = engine_pattern(catalog)
    return QuestionNames(
        models=model_names(catalog),
        gpus=gpu_names(catalog),
        quantizations=quantization_names(catalog),
        engine_pattern=pattern,
        engine_names=means,
    )
