"""How long one question takes to parse, over every phrasing of the tests.

    python -m benchmarks.question [--rounds N]

Each phrasing is parsed several times and its fastest run counts, so that a busy machine does not blur the parser; the
names of the catalog, built once per process, are timed apart.
"""

import argparse
import contextlib
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog
from shared.errors import UserError
from shared.question.names import names_of
from shared.question.parse import parse_question

PHRASINGS = Path(__file__).parents[1] / "tests/phrasings"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print milliseconds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20, help="runs of each phrasing")
    rounds = parser.parse_args(arguments).rounds
    catalog = load_catalog()
    started = time.perf_counter()
    names_of(catalog)
    built = time.perf_counter() - started
    texts = [
        json.loads(line)["text"]
        for file in sorted(PHRASINGS.glob("*.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    timed = sorted((_fastest_seconds(text, catalog, rounds), text) for text in texts)
    milliseconds = [seconds * 1e3 for seconds, _ in timed]
    print(f"{len(texts)} questions, {len(catalog.models)} models, {len(catalog.gpus)} GPUs")
    print(f"names of the catalog, once: {built * 1e3:.0f} ms")
    print(
        f"one question: median {statistics.median(milliseconds):.2f} ms, "
        f"99th percentile {milliseconds[int(len(milliseconds) * 0.99)]:.2f} ms, slowest {milliseconds[-1]:.2f} ms"
    )
    print(f"slowest: {timed[-1][1]}")
    return 0


def _fastest_seconds(text: str, catalog: Catalog, rounds: int) -> float:
    fastest = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        with contextlib.suppress(UserError):  # a refusal is an answer too, and takes its time
            parse_question(text, catalog)
        fastest = min(fastest, time.perf_counter() - started)
    return fastest


if __name__ == "__main__":
    raise SystemExit(main())
