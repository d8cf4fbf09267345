"""The catalog in memory: rows by id, in a stable order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Self

from shared.catalog.rows import CloudInstances, CloudPrice, DecodeSpeed, Engine, Gpu, Model, Quantization


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """All facts of one moment. Iteration order is the order of the files, then of the rows in them."""

    models: Mapping[str, Model]
    gpus: Mapping[str, Gpu]
    quantizations: Mapping[str, Quantization]
    engines: Mapping[str, Engine]
    as_of: date
    speeds: Mapping[str, DecodeSpeed] = field(default_factory=lambda: MappingProxyType({}))
    prices: Mapping[str, CloudPrice] = field(default_factory=lambda: MappingProxyType({}))
    instances: Mapping[str, CloudInstances] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(
        cls,
        *,
        models: Iterable[Model],
        gpus: Iterable[Gpu],
        quantizations: Iterable[Quantization],
        engines: Iterable[Engine],
        as_of: date,
        speeds: Iterable[DecodeSpeed] = (),
        prices: Iterable[CloudPrice] = (),
        instances: Iterable[CloudInstances] = (),
    ) -> Self:
        """A catalog of these rows; a later row replaces an earlier one of the same id."""
        return cls(
            models=MappingProxyType({row.id: row for row in models}),
            gpus=MappingProxyType({row.id: row for row in gpus}),
            quantizations=MappingProxyType({row.id: row for row in quantizations}),
            engines=MappingProxyType({row.id: row for row in engines}),
            as_of=as_of,
            speeds=MappingProxyType({row.id: row for row in speeds}),
            prices=MappingProxyType({row.id: row for row in prices}),
            instances=MappingProxyType({row.id: row for row in instances}),
        )
