"""What a channel takes for granted: it fills what a question leaves open and never overrules what it says."""

import pytest

from bot.defaults import DefaultsVerb, defaults_verb_of, with_defaults
from shared.catalog.load import load_catalog
from shared.question.parse import parse_question
from shared.question.query import Intent
from tests.bot.bot_process import running_bot
from tests.fakes.slack_server import FakeSlack, all_text

CATALOG = load_catalog()
DEFAULTS = parse_question("what fits on 2x A100 80GB vllm 32k context", CATALOG)


def read(text: str):
    return with_defaults(parse_question(text, CATALOG), DEFAULTS)


def test_what_is_left_open_is_filled_in_and_said_to_be_assumed() -> None:
    query = read("can llama 3.3 70b fp8 run?")
    assert query.intent is Intent.FIT
    assert (query.gpu.id, query.gpu_count, query.engine, query.context_tokens) == (
        "a100-80gb",
        2,
        "vllm",
        32_768,
    )
    assert {one.field for one in query.readings if one.how == "assumed"} >= {
        "gpu",
        "engine",
        "context_tokens",
    }


def test_what_is_said_wins() -> None:
    query = read("llama 3.1 8b q4_k_m on a 4090 with 8k context and llama.cpp")
    assert (query.gpu.id, query.gpu_count, query.engine, query.context_tokens) == (
        "rtx-4090",
        None,
        "llama.cpp",
        8192,
    )


@pytest.mark.parametrize(
    "text", ["which gpu for llama 3.3 70b?", "what hardware do I need for llama 3.3 70b"]
)
def test_a_question_for_hardware_is_not_answered_by_the_defaults(text: str) -> None:
    assert read(text).gpu is None


def test_an_ambiguous_gpu_stays_a_question() -> None:
    query = read("llama 3.3 70b on A100")
    assert query.gpu is None
    assert query.ambiguous


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("defaults", DefaultsVerb(kind="show")),
        ("defaults none", DefaultsVerb(kind="clear")),
        ("default 2x A100 80GB vllm", DefaultsVerb(kind="set", question="2x A100 80GB vllm")),
        ("llama defaults", None),
    ],
)
def test_wishes_about_defaults_are_told_from_questions(text: str, verb: DefaultsVerb | None) -> None:
    assert defaults_verb_of(text) == verb


async def test_a_channel_sets_uses_shows_and_clears_its_defaults_and_others_do_not_have_them() -> None:
    async with FakeSlack() as slack, running_bot(slack, "socket") as bot:
        set_ = await slack.ask("/fit defaults 2x A100 80GB vllm 32k context")
        assert "what fits on 2x a100-80gb 32768 context vllm" in set_.text
        answer = await slack.ask("/fit llama 3.3 70b fp8")
        assert "Llama 3.3 70B on 2 × A100 80GB" in answer.text
        assert "32k context (assumed)" in all_text(answer.blocks)
        elsewhere = await slack.ask("/fit llama 3.3 70b fp8", channel="C2")
        assert "Which GPU: Llama 3.3 70B" in elsewhere.text
        await slack.select(answer, "fit_set:context_tokens", "-")
        await slack.changed(answer, 1)
        assert "32k context" not in all_text(answer.blocks[2])
        assert "are read with: what fits on 2x a100-80gb" in (await slack.ask("/fit defaults")).text
        await slack.ask("/fit defaults none")
        assert "Which GPU" in (await slack.ask("/fit llama 3.3 70b fp8")).text
        assert await bot.metric('fittingroom_bot_questions_total{result="not_understood"') == 0
