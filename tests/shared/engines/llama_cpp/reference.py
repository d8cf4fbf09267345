"""The recorded allocations of llama.cpp, as workloads with the bytes they must come out to."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog
from shared.catalog.rows import Gpu
from shared.memory.workload import Workload
from shared.units import MIB

GROUND_TRUTH = Path(__file__).parents[3] / "ground_truth"
ROUNDING_BYTES = 64  # sizes are recorded as MiB with four digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Bytes of one device or of the host."""

    weights: float
    kv: float
    compute: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One recorded allocation, or llama.cpp's refusal of it."""

    name: str
    version: str
    placement: str
    workload: Workload
    gpus: tuple[Gpu, ...]
    devices: tuple[Held, ...]
    host: Held | None
    error: str


@cache
def catalog() -> Catalog:
    return load_catalog()


def rows(name: str) -> Iterator[dict[str, str]]:
    """The lines of a recorded file, without its notes."""
    with (GROUND_TRUTH / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(line for line in file if not line.startswith("#"))


@cache
def cases() -> tuple[Case, ...]:
    """Every recorded allocation."""
    return tuple(_case(row) for row in rows("llama_cpp_reference.csv"))


def _case(row: dict[str, str]) -> Case:
    facts = catalog()
    refused = bool(row["error"])
    count = int(row["devices"]) if refused else len(row["devices"].split(";")) if row["devices"] else 0
    workload = Workload(
        model=facts.models[row["model"]],
        quantization=facts.quantizations["BF16" if row["quantization"] == "bf16" else row["quantization"]],
        engine="llama.cpp",
        engine_version=row["version"],
        context_tokens=int(row["n_ctx"]),
        sequences=int(row["n_seq"]),
        kv_cache_type_k=row["k"],
        kv_cache_type_v=row["v"],
        gpu_layers=int(row["ngl"]),
        cpu_expert_layers=999 if row["placement"] == "offload_experts_on_cpu" else 0,
        ubatch_tokens=int(row["n_ubatch"]),
        flash_attention={"on": True, "off": False, "auto": None}[row["flash_attention"]],
        kv_unified=row["unified"] == "1",
        swa_full=row["swa_full"] == "1",
        program="llama-cli",  # the recording reserves its logits rows
    )
    return Case(
        name=" ".join(
            row[key] for key in ("model", "quantization", "n_ctx", "n_ubatch", "k", "v", "placement")
        ),
        version=row["version"],
        placement=row["placement"],
        workload=workload,
        gpus=(facts.gpus["h200"],) * count,
        devices=() if refused else tuple(_held(text) for text in row["devices"].split(";") if text),
        host=_held(row["host"]) if row["host"] else None,
        error=row["error"],
    )


def _held(text: str) -> Held:
    weights, kv, compute = (float(size) * MIB for size in text.split("/"))
    return Held(weights=weights, kv=kv, compute=compute)
