"""What cannot be read is refused in one sentence that says what would work."""

import pytest

from shared.errors import UnknownName, UserError
from shared.question.normalise import LONGEST_QUESTION
from shared.question.parse import parse_question
from shared.question.unlisted import UnlistedRepository


def _refusal(text, catalog):
    with pytest.raises(UserError) as refusal:
        parse_question(text, catalog)
    return refusal.value


@pytest.mark.parametrize(
    "text", ["", "   ", "\n\t", "😀😀😀", ":wave: :tada:", "???", "<@U123>", "\u200b\u200b", "***"]
)
def test_a_question_with_nothing_to_read_is_answered_with_an_example(text, catalog):
    assert "for example: can Mixtral 8x22B run on" in _refusal(text, catalog).sentence


def test_a_question_of_10000_characters_is_refused_with_its_length(catalog):
    sentence = _refusal("llama " * 1_667, catalog).sentence
    assert "10,002 characters" in sentence
    assert "2,000" in sentence


def test_a_question_of_the_longest_allowed_length_is_read(catalog):
    text = "llama 3.1 8b on a 4090" + " please" * 400
    assert parse_question(text[:LONGEST_QUESTION], catalog).gpu.id == "rtx-4090"


def test_text_that_grows_when_normalised_is_still_bounded(catalog):
    """One character of Unicode may stand for eighteen."""
    _refusal("\ufdfa" * LONGEST_QUESTION, catalog)


def test_a_misspelled_model_of_an_impossible_size_is_answered_with_the_nearest(catalog):
    refusal = _refusal("Mixtrl 9x22B on A100 80GB", catalog)
    assert (
        refusal.sentence
        == "I don't know the model 'Mixtrl 9x22B'. Did you mean Mixtral 8x22B or Mixtral 8x7B?"
    )
    assert refusal.suggestions[0] == "Mixtral 8x22B"


def test_a_size_a_gpu_does_not_have_is_answered_with_the_real_ones(catalog):
    sentence = _refusal("llama 3.1 8b on rtx 3060 16gb", catalog).sentence
    assert sentence == (
        "There is no RTX 3060 with 16 GB: it comes with 8 GB or 12 GB. For other hardware say 'a GPU with 16 GB'."
    )


def test_other_hardware_can_be_asked_about_as_the_refusal_says(catalog):
    query = parse_question("llama 3.1 8b on a GPU with 16 GB", catalog)
    assert query.gpu is None
    assert query.gpu_memory_bytes == 16 * 1024**3


def test_a_card_that_does_not_exist_is_not_taken_for_its_neighbour(catalog):
    assert isinstance(_refusal("llama 3.1 8b on 4090 Ti", catalog), UnknownName)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("llama 3.1 8b on 0x A100 80GB", "gpu_count"),
        ("llama 3.1 8b on 10000 H100", "gpu_count"),
        ("llama 3.1 8b ctx=0 on H100", "context_tokens"),
        ("llama 3.1 8b with 200m context on H100", "context_tokens"),
        ("llama 3.1 8b for 0 users on H100", "sequences"),
        ("llama 3.1 8b -ngl 99999 on H100", "gpu_layers"),
        ("llama 3.1 8b --tensor-parallel-size 0 on H100", "tensor_parallel"),
    ],
)
def test_an_impossible_number_is_refused_with_the_possible_ones(text, field, catalog):
    refusal = _refusal(text, catalog)
    assert refusal.field == field
    assert "give" in refusal.sentence


def test_a_context_beyond_the_models_own_is_kept_and_said(catalog):
    query = parse_question("qwen3 32b at 128k on H100", catalog)
    assert query.context_tokens == 131_072
    assert query.warnings == ("Qwen3 32B was made for 40k tokens of context; 128k is beyond that.",)


def test_a_repository_we_lack_can_be_looked_up_by_its_name_as_typed(catalog):
    refusal = _refusal("can SomeOrg/Great-Model-7B run on a 4090?", catalog)
    assert isinstance(refusal, UnlistedRepository)
    assert refusal.repo_id == "SomeOrg/Great-Model-7B"


def test_what_a_person_typed_is_quoted_bounded_and_printable(catalog):
    sentence = _refusal("x" * 400 + "-7b on a 4090", catalog).sentence
    assert len(sentence) < 200


def test_a_number_nobody_made_use_of_is_owned_up_to(catalog):
    query = parse_question("reduce Llama 3 70B from 4 to 2 H100s", catalog)
    assert query.gpu_count == 2
    assert "I made no use of '4' in your question." in query.warnings


def test_a_question_read_whole_has_nothing_to_own_up_to(catalog):
    text = "can Mixtral 8x22B in Q4_K_M run on 2x A100 40GB at 32k for 8 users with vLLM 0.19, kv q8, tp 2?"
    assert parse_question(text, catalog).warnings == ()


def test_different_numbers_of_different_gpus_are_not_mixed(catalog):
    query = parse_question("llama 3.1 70b awq: one A100 80GB or two L40S?", catalog)
    assert query.gpu_count is None
    assert [(one.choices, one.counts) for one in query.ambiguous] == [(("a100-80gb", "l40s"), (1, 2))]
