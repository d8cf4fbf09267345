"""How many estimates a second one core makes, per engine: `python -m benchmarks.speed.estimates`.

Every estimate counted is of a workload the process has not seen: models, quantizations and GPUs of the catalog in
turn, each time with another context and number of sequences. What engines keep per model is filled by one pass
before, as a process that answers all day has it; a pass is taken several times and the median counts.

    python -m benchmarks.speed.estimates             # print
    python -m benchmarks.speed.estimates --write     # and write docs/speed.md
"""

import argparse
import datetime
import itertools
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog
from shared.catalog.rows import Gpu, Model, Quantization
from shared.engines import ENGINES
from shared.errors import UserError
from shared.estimator import estimate
from shared.memory.workload import Workload

PAGE: Final = Path(__file__).parents[2] / "docs" / "speed.md"
ASKED: Final = 20_000
MODELS: Final = (
    *("llama-3.1-8b", "llama-3.1-70b", "qwen3-30b-a3b", "mixtral-8x22b"),
    *("gemma-3-27b", "deepseek-v3", "qwen3.5-9b"),
)
GPUS: Final = ("rtx-4090", "a100-80gb", "h100-80gb", "h200")
COUNTS: Final = (1, 4)  # GPUs of one workload
QUANTIZATIONS: Final = {"llama.cpp": ("Q4_K_M", "Q8_0", "BF16")}
OTHERS: Final = ("BF16", "FP8", "AWQ")
_CONTEXTS: Final = 60  # different contexts per combination and pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Estimates a second of one engine on so many GPUs: of new workloads, and of the same ones again."""

    engine: str
    gpus: int
    estimates: int
    new: float
    again: float


def rates(catalog: Catalog, rounds: int) -> Iterator[Rate]:
    """One per engine and number of GPUs."""
    for engine, count in itertools.product(ENGINES, COUNTS):
        fresh = itertools.count(1)
        pairs = tuple(_pairs(engine, count, catalog))
        _timed(tuple(_asked(engine, pairs, fresh)), catalog)  # what is kept per model
        new, again = [], []
        for _ in range(rounds):
            asked = tuple(_asked(engine, pairs, fresh))
            new.append(len(asked) / _timed(asked, catalog))
            again.append(len(asked) / _timed(asked, catalog))
        yield Rate(
            engine=engine,
            gpus=count,
            estimates=len(asked),
            new=statistics.median(new),
            again=statistics.median(again),
        )


def _pairs(
    engine: str, count: int, catalog: Catalog
) -> Iterator[tuple[Model, Quantization, tuple[Gpu, ...]]]:
    """Models, quantizations and GPUs that the engine does not refuse."""
    for model, quantization in itertools.product(MODELS, QUANTIZATIONS.get(engine, OTHERS)):
        for name in GPUS:
            gpus = (catalog.gpus[name],) * count
            workload = Workload(
                model=catalog.models[model],
                quantization=catalog.quantizations[quantization],
                engine=engine,
                context_tokens=4096,
            )
            try:
                estimate(workload, gpus, catalog)
            except UserError:
                continue
            yield catalog.models[model], catalog.quantizations[quantization], gpus


def _asked(
    engine: str, pairs: Sequence[tuple[Model, Quantization, tuple[Gpu, ...]]], fresh: Iterator[int]
) -> Iterator[tuple[Workload, tuple[Gpu, ...]]]:
    """A pass: every combination with contexts that no pass had before."""
    for number in itertools.islice(fresh, _CONTEXTS):
        for model, quantization, gpus in pairs:
            yield (
                Workload(
                    model=model,
                    quantization=quantization,
                    engine=engine,
                    context_tokens=2048 + 37 * number,
                    sequences=1 + number % 8,
                ),
                gpus,
            )


def _timed(asked: Sequence[tuple[Workload, tuple[Gpu, ...]]], catalog: Catalog) -> float:
    started = time.process_time()  # of this process alone, however busy the machine
    for workload, gpus in asked:
        estimate(workload, gpus, catalog)
    return time.process_time() - started


def page(found: Sequence[Rate], when: datetime.date) -> str:
    """The result as Markdown, with the machine it was taken on."""
    lines = [
        "# How fast an estimate is",
        "",
        "Written by `python -m benchmarks.speed.estimates --write`; taken on "
        f"{when.isoformat()}, one core of {_processor()}, Python {platform.python_version()}.",
        f"Asked are {ASKED:,} estimates a second in process. New workloads: each with a context and number of",
        "sequences that the process has not seen, over models, quantizations and GPUs in turn; the same again: a",
        "second time. Seconds are the process's own, so that waiting for a busy machine does not count; what shares",
        f"its core still slows it (load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores).",
        "",
        "| engine | GPUs | estimates a pass | new workloads a second | the same again, a second | met |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for rate in found:
        met = "yes" if rate.new >= ASKED else "no"
        counts = f"{rate.gpus} | {rate.estimates:,}"
        lines.append(f"| {rate.engine} | {counts} | {rate.new:,.0f} | {rate.again:,.0f} | {met} |")
    return "\n".join(lines) + "\n"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="passes, of which the median counts")
    parser.add_argument("--write", action="store_true", help="write docs/speed.md too")
    options = parser.parse_args(arguments)
    found = tuple(rates(load_catalog(), options.rounds))
    text = page(found, datetime.datetime.now(tz=datetime.UTC).date())
    print(text, end="")
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
