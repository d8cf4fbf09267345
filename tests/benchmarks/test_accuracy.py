"""The accuracy page is what the estimator does today, and every bar it names as met is met."""

from collections import Counter

import pytest

from benchmarks.accuracy import intervals
from benchmarks.accuracy.__main__ import PAGE
from benchmarks.accuracy.llama_cpp import LOGS, refusals
from benchmarks.accuracy.page import engines, page
from benchmarks.accuracy.server_runs import LEFT_OUT, logged, not_started, rows, study
from benchmarks.accuracy.terms import scores
from benchmarks.accuracy.verdicts import judged
from shared.catalog.load import load_catalog
from shared.engines.llama_cpp.quantizer import mix_of, stored_tensors
from shared.memory.breakdown import Verdict
from shared.memory.gguf_types import UNQUANTIZED

CATALOG = load_catalog()


def test_the_page_is_what_the_command_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(CATALOG)


def test_every_bar_is_met() -> None:
    found = [row for _, terms, bars in engines(CATALOG) for row in scores(terms, bars)]

    assert [row.component for row in found if not row.met] == []
    assert sum(row.bar is not None for row in found) > 20


def test_nothing_is_said_to_fit_that_did_not_and_little_not_to_that_did() -> None:
    found = Counter((one.said, one.fitted) for one in judged(CATALOG))

    assert found[Verdict.FITS, False] == 0
    assert found[Verdict.DOES_NOT_FIT, True] < 0.02 * sum(found[said, True] for said in Verdict)
    assert found[Verdict.FITS, True] > 5_000 < found[Verdict.DOES_NOT_FIT, False]


@pytest.mark.parametrize("calibrated", ["as shipped", "left out", "left out, widths too"])
def test_intervals_of_vllm_hold_at_least_93_of_100_measured_totals(calibrated: str) -> None:
    of_study = {
        "as shipped": lambda: intervals.vllm_study(study(CATALOG), CATALOG),
        "left out": lambda: intervals.vllm_left_out(CATALOG),
        "left out, widths too": lambda: intervals.vllm_left_out_widths(CATALOG),
    }[calibrated]()
    found = list(of_study)

    assert len(found) == 35
    assert sum(row.holds for row in found) >= 0.93 * len(found)


def test_intervals_hold_what_logs_of_other_versions_and_gpus_printed() -> None:
    found = list(intervals.vllm_logs(CATALOG))

    assert len({row.model for row in found}) > 5
    assert all(row.holds for row in found)


def test_leaving_a_model_out_changes_what_its_estimates_are_made_of() -> None:
    whole = {row.case: row.error_gib for row in intervals.vllm_study(study(CATALOG), CATALOG)}
    without = {row.case: row.error_gib for row in intervals.vllm_left_out(CATALOG)}

    assert whole.keys() == without.keys()
    assert sum(whole[case] != without[case] for case in whole) == len(whole)


def test_every_recorded_refusal_is_refused() -> None:
    refused, of = refusals(CATALOG)

    assert refused == of > 600


def test_every_vllm_log_is_scored_or_left_out_with_a_reason() -> None:
    ids = {row["id"] for row in rows("server_measured.jsonl") if row["engine"] == "vllm"}
    scored = {run.name for run in logged(CATALOG)}

    assert scored | LEFT_OUT.keys() == ids
    assert not scored & LEFT_OUT.keys()
    assert {run.name for run in not_started(CATALOG)} < LEFT_OUT.keys()


def test_a_file_of_fewer_bits_than_its_recipe_has_anywhere_is_of_another_recipe() -> None:
    """The Gemma 4 log prints 4.25 bits per weight; no quantized tensor of the plain IQ4_NL has less than 4.5."""
    records = [row for row in rows(LOGS.name) if "printed_bits_per_weight" in row]

    assert records
    for record in records:
        mix = mix_of(CATALOG.quantizations[record["quantization"]])
        stored = stored_tensors(CATALOG.models[record["model"]].shape, mix)
        fewest = min(
            8 * one.size_bytes / (one.tensor.columns * one.tensor.rows * one.tensor.matrices)
            for one in stored
            if one.type not in UNQUANTIZED
        )
        assert record["printed_bits_per_weight"] < 4.5 <= fewest
        assert record["other_recipe"]
