"""Questions about our own GPUs are told apart from questions about models, however people put them."""

import pytest

from bot.verbs import Verb, verb_of


@pytest.mark.parametrize(
    "text",
    [
        "status",
        "show me our gpus",
        "what gpus do we have free?",
        "which GPUs are free right now?",
        "any gpus free?",
        "are there any free GPUs?",
        "do we have any idle gpus",
        "free gpus",
    ],
)
def test_asking_what_is_free_is_asking_for_the_status(text: str) -> None:
    assert verb_of(text) == Verb(kind="status")


@pytest.mark.parametrize(
    "text",
    ["which gpus are best for llama 70b", "what gpu do i need for llama 3.1 8b", "free 4090 for qwen3 32b?"],
)
def test_a_question_about_a_model_is_the_parsers(text: str) -> None:
    assert verb_of(text) is None


def test_a_node_may_be_named() -> None:
    assert verb_of("status on node-7") == Verb(kind="status", place="node-7")
