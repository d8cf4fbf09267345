"""The accuracy page is what the estimator does today, and every bar it names as met is met."""

from benchmarks.accuracy import llama_cpp, vllm
from benchmarks.accuracy.__main__ import PAGE, page
from benchmarks.accuracy.terms import scores
from shared.catalog.load import load_catalog

CATALOG = load_catalog()
NOT_MET = {
    "weights, logs",  # one packager's own recipe under a plain recipe's name
    "rule of thumb (parameters x bytes x 1.2)",  # not ours
}


def test_the_page_is_what_the_command_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(CATALOG)


def test_every_bar_is_met_but_those_named_here() -> None:
    rows = [*scores(llama_cpp.terms(CATALOG), llama_cpp.BARS)]
    rows += [*scores(vllm.terms(CATALOG), {**vllm.BARS})]

    assert {row.component for row in rows if not row.met} <= NOT_MET
    assert len(rows) > 12


def test_no_run_that_started_is_said_not_to_fit() -> None:
    assert set(vllm.verdicts(CATALOG)) == {"fits"}


def test_every_recorded_refusal_is_refused() -> None:
    refused, of = llama_cpp.refusals(CATALOG)

    assert refused == of > 600
