"""The benchmark of estimates asks every engine for workloads it has not seen, and its page says what was met."""

import datetime
import itertools

import pytest

from benchmarks.speed.estimates import ASKED, COUNTS, PAGE, Rate, _asked, _pairs, page
from shared.catalog.load import load_catalog
from shared.engines import ENGINES

CATALOG = load_catalog()


@pytest.mark.parametrize("engine", ENGINES)
def test_no_workload_of_two_passes_is_the_same(engine: str) -> None:
    pairs, fresh = tuple(_pairs(engine, 1, CATALOG)), itertools.count(1)
    asked = [(workload, gpus) for _ in range(2) for workload, gpus in _asked(engine, pairs, fresh)]

    seen = {(one.model.id, one.quantization.id, one.context_tokens, gpus[0].id) for one, gpus in asked}
    assert len(seen) == len(asked) > 5_000


def test_the_page_says_which_engine_misses_the_bar() -> None:
    rates = [
        Rate(engine="quick", gpus=1, estimates=5, new=ASKED, again=ASKED),
        Rate(engine="slow", gpus=4, estimates=5, new=ASKED - 1, again=3 * ASKED),
    ]
    lines = page(rates, datetime.date(2026, 1, 2)).splitlines()

    assert lines[-2] == "| quick | 1 | 5 | 20,000 | 20,000 | yes |"
    assert lines[-1] == "| slow | 4 | 5 | 19,999 | 60,000 | no |"


def test_the_page_kept_has_every_engine() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]

    assert len(rows) == 1 + len(ENGINES) * len(COUNTS)
