"""`fit models`, `fit gpus`, `fit quantizations`: what we know, filtered by any word of a row."""

import json
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu, Model, Quantization
from shared.catalog.validated import plain
from shared.units import gib, tokens

Row = Model | Gpu | Quantization


def run_listing(options: Namespace, catalog: Catalog) -> int:
    """Print the rows of one table whose names hold every word of the filter."""
    table: dict[str, tuple[Row, ...]] = {
        "models": tuple(catalog.models.values()),
        "gpus": tuple(catalog.gpus.values()),
        "quantizations": tuple(catalog.quantizations.values()),
    }
    words = options.filter.lower().split()
    rows = [row for row in table[options.verb] if all(word in _names(row) for word in words)]
    if options.json:
        print(json.dumps([plain(row, without_defaults=True) for row in rows], indent=2))
        return 0
    for cells in _aligned([_cells(row) for row in rows]):
        print(cells)
    if not rows:
        print(f"No {options.verb} match '{options.filter}'.")
    return 0


def _names(row: Row) -> str:
    parts = [row.id, row.name, *row.aliases]
    if isinstance(row, Model):
        parts += [row.family, row.repo_id]
    if isinstance(row, Gpu):
        parts += [row.vendor, row.architecture, row.segment, *row.nvml_names]
    return " ".join(parts).lower()


def _cells(row: Row) -> tuple[str, ...]:
    if isinstance(row, Model):
        size = f"{row.parameters / 1e9:,.1f}B"
        if row.active_parameters != row.parameters:
            size += f", {row.active_parameters / 1e9:,.1f}B active"
        return (
            row.id,
            row.name,
            size,
            f"{tokens(row.context_tokens)} context",
            row.native_quantization,
            row.license,
        )
    if isinstance(row, Gpu):
        speed = f"{row.bandwidth_bytes_per_second / 1e9:,.0f} GB/s"
        return row.id, row.name, gib(row.memory_usable_bytes), speed, row.architecture, row.segment
    return row.id, f"{row.bits_per_weight:g} bits", row.format.value, ", ".join(row.engines), row.quality_note


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def as_dict(row: Row) -> dict[str, Any]:
    """A row as JSON holds it."""
    return plain(row, without_defaults=True)
