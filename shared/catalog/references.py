"""Rows that name other rows: what is named must be there."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from shared.catalog.rows import CloudInstances, CloudPrice, DecodeSpeed, Engine, Gpu, Model, Quantization


class Tables(Protocol):
    """The rows of every table under their ids."""

    models: dict[str, Model]
    gpus: dict[str, Gpu]
    quantizations: dict[str, Quantization]
    engines: dict[str, Engine]
    speeds: dict[str, DecodeSpeed]
    prices: dict[str, CloudPrice]
    instances: dict[str, CloudInstances]


class Broken(NamedTuple):
    """A field of a row that names a row which is not there."""

    table: str
    row_id: str
    field: str
    says: str


def broken_references(tables: Tables) -> Iterator[Broken]:
    """One entry per missing row and place it is named in."""
    for model in tables.models.values():
        named = [model.native_quantization]
        yield from _missing(
            "models", model.id, "native_quantization", named, "quantization", tables.quantizations
        )
        named = [repo.quantization for repo in model.quantized_repos]
        yield from _missing(
            "models", model.id, "quantized_repos", named, "quantization", tables.quantizations
        )
    for row in tables.quantizations.values():
        yield from _missing("quantizations", row.id, "engines", row.engines, "engine", tables.engines)
    for speed in tables.speeds.values():
        yield from _missing("speeds", speed.id, "engine", [speed.engine], "engine", tables.engines)
        yield from _missing("speeds", speed.id, "measured_on", speed.measured_on, "GPU", tables.gpus)
    for price in tables.prices.values():
        yield from _missing("prices", price.id, "gpu", [price.gpu], "GPU", tables.gpus)
    for family in tables.instances.values():
        yield from _missing("instances", family.id, "gpu", [family.gpu], "GPU", tables.gpus)


def _missing(
    table: str, row_id: str, field: str, named: Iterable[str], kind: str, rows: Mapping[str, object]
) -> Iterator[Broken]:
    for name in named:
        if name not in rows:
            near = f"; the {kind}s are {', '.join(rows)}" if kind == "engine" else ""
            yield Broken(table, row_id, field, f"there is no {kind} '{name}'{near}")
