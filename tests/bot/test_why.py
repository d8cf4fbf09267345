"""Reasons: every number as its formula, asked for in words or by a button."""

import pytest

from bot.thinking import Asked, Mind
from bot.why import why_question
from shared.catalog.load import load_catalog
from tests.bot.conftest import World
from tests.bot.matrix import check
from tests.bot.test_conversation import new_user
from tests.fakes.slack_server import all_text

MIND = Mind(load_catalog())


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("why llama 3.1 8b on 4090", "llama 3.1 8b on 4090"),
        ("Why: llama 3.1 8b on 4090", "llama 3.1 8b on 4090"),
        ("whynot 8b", None),
        ("llama 3.1 8b on 4090", None),
        ("why", None),
    ],
)
def test_a_question_for_reasons_is_told_from_one_for_a_plan(text: str, question: str | None) -> None:
    assert why_question(text) == question


@pytest.mark.parametrize(
    "question",
    [
        "mixtral 8x22b on A100 40GB",
        "llama 3.1 70b q4_k_m on 2x 4090 with 32k context",
        "deepseek v3 on 8x H200",
        "what fits on 4090?",
        "which gpu for llama 3.1 70b fp8?",
    ],
)
def test_the_reasons_are_a_message_slack_takes_with_a_formula_and_a_source(question: str) -> None:
    message = MIND.reply(Asked(text=f"why {question}")).message
    check(message)
    shown = all_text(message.blocks)
    assert message.text.startswith("Why: ")
    assert "weights: " in shown
    assert "KV cache: " in shown
    assert "×" in shown


def test_what_cannot_be_read_is_a_mistake_with_suggestions_here_too() -> None:
    reply = MIND.reply(Asked(text="why mixtrl 9x22b on A100 40GB"))
    assert reply.result == "not_understood"
    assert "mixtrl" in reply.message.text.lower()


@pytest.mark.asyncio(loop_scope="module")
async def test_the_button_under_an_answer_asks_why_and_another_goes_back(world: World) -> None:
    slack, _ = world
    user = new_user(world)
    answer = await slack.ask("/fit llama 3.1 8b fp8 on L4", user=user)
    await slack.click(answer, "Why?", user=user)
    await slack.changed(answer, 1)
    assert answer.text.startswith("Why: Llama 3.1 8B on 1 × L4")
    await slack.click(answer, "Back to the answer", user=user)
    await slack.changed(answer, 2)
    assert "Yes" in answer.text.split("\n")[0]
