"""The decode speed constants are those the published runs give, and they predict cards they have not seen."""

import statistics
import tomllib
from pathlib import Path

import pytest

from benchmarks.speed.calibrate import constants, quantile, unseen_ratios
from benchmarks.speed.measurements import measurements

FACTS = Path(__file__).parents[3] / "shared/catalog/facts/speeds/decode.toml"
LLAMA_CPP = [run for run in measurements() if run.engine == "llama.cpp"]


def _of_class(memory_class):
    return [run for run in LLAMA_CPP if run.memory_class == memory_class]


@pytest.fixture(scope="module")
def unseen_errors():
    """Errors of every run predicted by a fit that has not seen a card of its kind."""
    errors = []
    big = constants(_of_class("nvidia-gddr"), None).seconds_per_layer
    for memory_class in sorted({run.memory_class for run in LLAMA_CPP}):
        runs = _of_class(memory_class)
        held = None if memory_class in ("nvidia-gddr", "nvidia-hbm", "apple") else big
        ratios = unseen_ratios(runs, lambda some, held=held: constants(some, held))
        errors += [abs(ratio - 1) for _, ratio in ratios]
    return errors


def test_half_of_the_unseen_runs_are_within_12_percent(unseen_errors):
    assert len(unseen_errors) > 100
    assert statistics.median(unseen_errors) < 0.12


def test_nine_in_ten_unseen_runs_are_within_30_percent(unseen_errors):
    assert quantile(unseen_errors, 0.9) < 0.30


@pytest.mark.parametrize("memory_class", ["nvidia-gddr", "nvidia-hbm"])
def test_the_facts_hold_what_the_runs_give(memory_class):
    row = tomllib.loads(FACTS.read_text())["speeds"][f"llama.cpp/{memory_class}"]
    found = constants(_of_class(memory_class), None)

    assert row["efficiency"] == pytest.approx(found.efficiency, abs=0.001)
    assert row["kv_efficiency"] == pytest.approx(found.kv_efficiency, abs=0.001)
    assert row["seconds_per_layer"] == pytest.approx(found.seconds_per_layer, rel=0.001)
    assert row["samples"] == len(_of_class(memory_class))


def test_the_servers_runs_lie_within_what_is_said_of_constants_that_never_saw_them():
    rows = tomllib.loads(FACTS.read_text())["speeds"]
    runs = [run for run in measurements() if run.engine == "vllm" and not run.over_pcie]

    assert len(runs) >= 4
    for run in runs:
        row = rows[f"vllm/{run.memory_class}"]
        predicted = (
            run.weight_seconds / row["efficiency"]
            + run.kv_seconds / row["kv_efficiency"]
            + run.layers * row["seconds_per_layer"]
        )
        assert row["low"] < predicted / run.seconds < row["high"]
        assert abs(predicted / run.seconds - 1) < 0.3


def test_a_row_that_stands_in_for_another_engine_was_measured_on_no_card():
    rows = tomllib.loads(FACTS.read_text())["speeds"]

    for name, row in rows.items():
        if not name.startswith("llama.cpp/"):
            assert row["measured_on"] == []
            assert row["low"] < 1 < row["high"]
