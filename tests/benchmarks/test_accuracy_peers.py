"""What other estimators are asked is what their hub would say, and what they said is kept whole."""

import pytest

from benchmarks.accuracy.peers.answers import REQUIREMENTS, facts, recorded, versions
from benchmarks.accuracy.peers.config_json import config_json
from benchmarks.accuracy.peers.questions import Question, offloads, questions, recorded_name
from benchmarks.accuracy.server_runs import study
from shared.catalog.load import load_catalog
from shared.hub.config.shape import shape_of_config

CATALOG = load_catalog()
QUESTIONS = tuple(questions(CATALOG))


def test_every_peer_has_one_recorded_answer_to_every_question() -> None:
    asked = {question.id for question in QUESTIONS}
    answered: dict[str, list[str]] = {}
    for answer in recorded():
        answered.setdefault(answer.peer, []).append(answer.case)

    assert list(answered) == list(facts()["peers"])
    for cases in answered.values():
        assert len(cases) == len(asked)
        assert set(cases) == asked


def test_an_answer_is_numbers_or_a_reason() -> None:
    for answer in recorded():
        sizes = (answer.weights_gib, answer.kv_gib, answer.rest_gib)
        assert all(size is None for size in sizes) == bool(answer.no_answer)
        assert all(size is None or size >= 0 for size in sizes)


def test_recorded_versions_are_the_pinned_ones() -> None:
    assert {answer.peer: answer.version for answer in recorded()} == versions()
    assert all("==" in line for line in REQUIREMENTS.read_text().splitlines() if not line.startswith("#"))


def test_every_scored_case_was_asked() -> None:
    asked = {question.id for question in QUESTIONS}

    assert {run.name for run in study(CATALOG)} < asked
    assert {recorded_name(case) for case in offloads()} < asked


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_the_stored_elements_are_the_parameters(question: Question) -> None:
    """Packed types hold eight weights an element; scales are not counted."""
    if question.stored:
        weights = sum(count * (8 if dtype == "I32" else 1) for dtype, count in question.stored.items())
        assert weights == pytest.approx(question.parameters, rel=0.002)


def test_the_config_reads_back_as_the_row_it_is_written_from() -> None:
    for name in ("llama-3.1-8b", "qwen2.5-7b", "qwen3-32b", "mixtral-8x22b", "deepseek-v3", "gpt-oss-20b"):
        model = CATALOG.models[name]
        shape = shape_of_config(config_json(model, CATALOG.quantizations["BF16"]))
        for field in (
            "layers",
            "hidden_size",
            "vocabulary_size",
            "attention",
            "window_tokens",
            "tied_embeddings",
        ):
            assert getattr(shape, field) == getattr(model.shape, field), (name, field)
