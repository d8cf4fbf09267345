"""A hundred questions, answered as an engineer would who knows the engines and the cards."""

import shlex
import tomllib
from pathlib import Path

import pytest

from shared.errors import UserError
from shared.inverse.load import context_per_sequence
from shared.memory.breakdown import Verdict
from shared.planner.plan import Option, Plan
from shared.planner.planner import plan
from shared.planner.ranking import MOST_OPTIONS
from shared.question.parse import parse_question
from shared.units import GIB

FIRST, MORE = (
    tomllib.loads((Path(__file__).parent / "reference" / name).read_text())["question"]
    for name in ("questions.toml", "more_questions.toml")
)
QUESTIONS = [question for question in (*FIRST, *MORE) if "refused" not in question]
REFUSED = [question for question in (*FIRST, *MORE) if "refused" in question]


def _allowed(wanted):
    return wanted if isinstance(wanted, list) else [wanted]


def _facts(option: Option) -> dict[str, object]:
    load = option.estimate.workload
    return {
        "kind": option.kind.value,
        "model": load.model.id,
        "quantization": load.quantization.id,
        "engine": load.engine,
        "gpu": option.gpu.id,
        "gpu_count": option.gpu_count,
        "healthy": option.healthy,
        "priced": option.price is not None,
    }


def _is(option: Option, wanted: dict[str, object]) -> bool:
    """Whether the option is what is wanted; `_at_least` and `_at_most` bound a number."""
    load = option.estimate.workload
    numbers = {"sequences": load.sequences, "context": context_per_sequence(load)}
    for name, value in wanted.items():
        if name.endswith("_at_least"):
            if numbers[name.removesuffix("_at_least")] < value:
                return False
        elif name.endswith("_at_most"):
            if numbers[name.removesuffix("_at_most")] > value:
                return False
        elif _facts(option)[name] not in _allowed(value):
            return False
    return True


def _words(answer: Plan) -> str:
    parts = [answer.sentence, *answer.warnings, *answer.assumptions]
    for option in answer.options:
        parts += [option.reason, option.quality, *option.notes]
    return " ".join(parts).lower()


@pytest.fixture(scope="module", params=QUESTIONS, ids=[question["text"] for question in QUESTIONS])
def asked(request, catalog):
    question = request.param
    return question, plan(parse_question(question["text"], catalog), catalog)


def test_there_are_a_hundred_and_the_seed_question_is_first():
    assert (len(FIRST), len(MORE)) == (60, 40)
    assert len({question["text"] for question in (*FIRST, *MORE)}) == 100
    assert QUESTIONS[0]["text"] == "can Mixtral 8x22B run on A100 40GB?"
    assert all(question["why"] for question in QUESTIONS)


def test_the_headline_and_the_verdict_are_the_experts(asked):
    question, answer = asked

    assert answer.headline.value in _allowed(question["answer"]), answer.sentence
    assert answer.verdict.value in _allowed(question.get("verdict", answer.verdict.value)), answer.sentence


def test_the_first_option_is_the_experts_recommendation(asked):
    question, answer = asked
    if "recommends" not in question:
        return
    assert answer.options, answer.sentence
    assert _is(answer.options[0], question["recommends"]), _facts(answer.options[0])


def test_what_an_expert_would_mention_is_there_and_what_not_is_not(asked):
    question, answer = asked
    shown = [_facts(option) for option in answer.options]

    for wanted in question.get("has", []):
        assert any(_is(option, wanted) for option in answer.options), (wanted, shown)
    for unwanted in question.get("has_not", []):
        assert not any(_is(option, unwanted) for option in answer.options), (unwanted, shown)
    counts = {fit.quantization.id: fit.gpu_count for fit in answer.counts}
    for name, allowed in question.get("counts", {}).items():
        assert counts.get(name) in allowed, counts
    fits = {fit.quantization.id: fit.verdict.value for fit in answer.on_these_gpus}
    for name, verdict in question.get("on_these_gpus", {}).items():
        assert fits.get(name) == verdict, fits


def test_what_must_be_said_is_said(asked):
    question, answer = asked
    words = _words(answer)

    for word in question.get("says", []):
        assert word.lower() in words, words
    for word in question.get("says_not", []):
        assert word.lower() not in words, words
    for field, choices in question.get("ambiguous", {}).items():
        assert [(one.field, sorted(one.choices)) for one in answer.query.ambiguous] == [
            (field, sorted(choices))
        ]


def test_the_first_command_is_the_one_for_what_was_asked(asked):
    question, answer = asked
    if not question.keys() & {"command_has", "command_not"}:
        return
    command = shlex.join(answer.options[0].command or ())

    for words in question.get("command_has", []):
        assert words in command
    for words in question.get("command_not", []):
        assert words not in command


def test_a_card_larger_than_it_takes_is_not_called_the_smallest(asked):
    question, answer = asked
    most = question.get("most_marketed_gb")

    assert most is None or answer.options[0].gpu.memory_marketed_gb <= most


@pytest.mark.parametrize("question", REFUSED, ids=[question["text"] for question in REFUSED])
def test_what_cannot_be_is_refused_with_what_would_work(question, catalog):
    with pytest.raises(UserError) as refused:
        plan(parse_question(question["text"], catalog), catalog)

    for words in question["refused"]:
        assert words in refused.value.sentence


def test_nothing_that_does_not_fit_is_recommended(asked):
    _, answer = asked

    assert len(answer.options) <= MOST_OPTIONS
    for option in answer.options:
        assert option.verdict in (Verdict.FITS, Verdict.TIGHT)
        assert option.reason
        assert option.quality


def test_no_gpu_is_asked_for_more_than_it_could_need(asked):
    question, answer = asked
    most = question.get("most_per_gpu_gib")
    if most is None:
        return
    for option in (*answer.options, *([answer.asked] if answer.asked else [])):
        assert all(device.total_bytes <= most * GIB for device in option.estimate.breakdown.per_gpu)


def test_a_broken_quantization_never_ranks_above_a_healthy_option(asked):
    _, answer = asked
    healthy = [option.healthy for option in answer.options if option.kind.value != "as_asked"]

    assert healthy == sorted(healthy, reverse=True)


def test_an_option_with_a_broken_quantization_comes_with_a_plain_warning(asked):
    _, answer = asked
    broken = any(not option.quantization.healthy and not option.healthy for option in answer.options)

    assert not broken or any("breaks" in line for line in answer.warnings)
