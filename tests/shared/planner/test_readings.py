"""An ambiguous question is planned for each of its readings, and keeps asking about what was named."""

import pytest

from shared.catalog.catalog import Catalog
from shared.planner.plan import Headline, Plan
from shared.planner.planner import plan
from shared.question.parse import parse_question


def planned(text: str, catalog: Catalog) -> Plan:
    return plan(parse_question(text, catalog), catalog)


def pairs(answer: Plan) -> list[tuple[str, str]]:
    """Model and GPU of every reading planned; the first is the answer's own options'."""
    first = answer.asked.estimate.workload.model.id if answer.asked else "-"
    gpu = answer.asked.estimate.gpus[0].id if answer.asked else "-"
    others = [
        (one.query.model.id if one.query.model else "-", one.query.gpu.id if one.query.gpu else "-")
        for one in answer.others
    ]
    return [(first, gpu), *others]


def test_both_parts_of_a_question_may_be_open(catalog: Catalog) -> None:
    answer = planned("mixtral on 3060", catalog)
    assert pairs(answer) == [
        ("mixtral-8x7b", "rtx-3060-12gb"),
        ("mixtral-8x22b", "rtx-3060-12gb"),
        ("mixtral-8x7b", "rtx-3060-8gb"),
        ("mixtral-8x22b", "rtx-3060-8gb"),
    ]
    assert answer.sentence.startswith("Which 3060? Which mixtral? ")


def test_every_gpu_named_is_answered_before_a_second_model(catalog: Catalog) -> None:
    answer = planned("h100 or a100 for llama 70b?", catalog)
    assert pairs(answer) == [
        ("llama-3.3-70b", "h100-80gb"),
        ("llama-3.3-70b", "a100-40gb"),
        ("llama-3.3-70b", "a100-80gb"),
    ]
    assert answer.sentence.startswith("Which llama 70b? H100 80GB: ")
    assert " A100 40GB: " in answer.sentence


def test_quantizations_named_side_by_side_are_compared(catalog: Catalog) -> None:
    answer = planned("llama 3.1 8b q4 or q8 on 3060 12gb", catalog)
    each = [answer.asked, *(one.asked for one in answer.others)]
    assert {one.estimate.workload.quantization.id for one in each if one} == {"Q4_K_M", "Q8_0"}
    assert not answer.sentence.startswith("Which")


def test_sizes_of_memory_named_side_by_side_are_compared(catalog: Catalog) -> None:
    answer = planned("qwen3 32b on a 24gb or 32gb card", catalog)
    assert "one GPU with 24.0 GiB" in answer.own_sentence
    assert "one GPU with 32.0 GiB" in answer.others[0].sentence


@pytest.mark.parametrize("text", ["mixtral 8x22b on A100", "qwen 72b on h100", "7b on 6gb"])
def test_the_whole_sentence_holds_each_readings_own(text: str, catalog: Catalog) -> None:
    answer = planned(text, catalog)
    assert answer.own_sentence
    for sentence in (answer.own_sentence, *(one.sentence for one in answer.others)):
        assert sentence in answer.sentence


def test_one_word_only_where_all_readings_agree(catalog: Catalog) -> None:
    assert planned("mixtral 8x22b on A100", catalog).headline is Headline.UNKNOWN
    assert planned("mixtral on 3060", catalog).headline is Headline.NO


def test_a_question_that_is_not_ambiguous_has_no_other_readings(catalog: Catalog) -> None:
    answer = planned("mixtral 8x22b on a100 80gb", catalog)
    assert (answer.others, answer.own_sentence) == ((), "")


def test_gpus_in_different_numbers_are_compared_in_those_numbers(catalog: Catalog) -> None:
    answer = planned("which is better: a6000 or 2x 4090 for llama 3.3 70b q4", catalog)
    places = [one.query for one in (answer, *answer.others)]
    assert [(one.gpu and one.gpu.id, one.gpu_count) for one in places[1:]] == [("rtx-4090", 2)]
    assert "one RTX A6000" in answer.own_sentence
    assert "2x RTX 4090" in answer.others[0].sentence


def test_numbers_of_one_gpu_named_side_by_side_are_compared(catalog: Catalog) -> None:
    answer = planned("llama 3.3 70b fp8 on 1 vs 2 h100", catalog)
    assert [one.query.gpu_count for one in answer.others] == [2]
    assert not answer.sentence.startswith("Which")


def test_a_number_nobody_could_place_is_asked_about_before_any_verdict(catalog: Catalog) -> None:
    answer = planned("qwen3 32b q4 on a 4090, 6", catalog)
    assert answer.headline is Headline.UNKNOWN
    assert answer.sentence.startswith("Which 6? ")
