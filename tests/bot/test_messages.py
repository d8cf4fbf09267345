"""Every answer is a message Slack takes: over models, GPUs and kinds of question, and at the worst lengths."""

import os
import random
from dataclasses import replace
from datetime import date

import pytest

from bot.answer import Answer, answer, placed
from bot.canonical import canonical_text
from bot.fits_now import fits_now
from bot.fleet import FleetUnavailable
from bot.messages.chips import read_as_blocks
from bot.messages.error import error_message, failure_message
from bot.messages.form import Origin, form
from bot.messages.help import help_message
from bot.messages.message import text_length, within_limits
from bot.messages.mrkdwn import inert, literal, printable
from bot.messages.plan import plan_message
from bot.messages.share import shared_message
from bot.messages.status import fits_message, status_message, unavailable_message, users_message
from shared.catalog.load import load_catalog
from shared.errors import UnknownName, UserError
from shared.planner.planner import plan
from shared.question.parse import parse_question
from shared.question.query import Intent, Query
from tests.bot.fleets import HOSTILE, fleet
from tests.bot.matrix import MODEL_KINDS, PAIR_KINDS, check, frames, of_pair
from tests.fakes.block_kit import view_problems
from tests.fakes.slack_server import all_text, elements

CATALOG = load_catalog()
SAMPLES = int(os.environ.get("FITTINGROOM_MATRIX", "120"))  # all of them: python -m tests.bot.matrix


def sample() -> list[Query]:
    """Questions from all over the matrix, half of them the plain one."""
    chance = random.Random(7)
    models, gpus = list(CATALOG.models.values()), list(CATALOG.gpus.values())
    kinds = [*PAIR_KINDS, *MODEL_KINDS, Intent.WHAT_FITS]
    queries = []
    for number in range(SAMPLES):
        model, gpu = chance.choice(models), chance.choice(gpus)
        kind = kinds[number // 2 % len(kinds)] if number % 2 else Intent.FIT
        if kind in PAIR_KINDS:
            queries.append(of_pair(model, gpu, kind, CATALOG))
        elif kind in MODEL_KINDS:
            queries.append(Query(text="", intent=kind, model=model))
        else:
            queries.append(Query(text="", intent=kind, gpu=gpu))
    return queries


@pytest.mark.parametrize("query", sample(), ids=lambda query: f"{query.intent}-{canonical_text(query)}"[:70])
def test_every_answer_is_within_slacks_limits(query: Query) -> None:
    try:
        made = placed(plan(query, CATALOG), CATALOG, fleet())
    except UserError as error:
        check(error_message(error, canonical_text(query), "/fit"))
        return
    for frame in frames(CATALOG):
        check(plan_message(made, frame))


def longest() -> Answer:
    """An answer with more of everything than any plan has, and nothing in it that behaves."""
    made = answer(parse_question("mixtral 8x22b on A100", CATALOG), CATALOG, fleet())
    bad = HOSTILE * 40
    option = replace(
        made.plan.options[0], quality=bad, notes=(bad,) * 30, command=("x" * 200,) * 60, reason=bad
    )
    query = replace(
        made.plan.query,
        warnings=(bad,) * 40,
        ambiguous=tuple(replace(one, given=bad) for one in made.plan.query.ambiguous) * 9,
    )
    whole = replace(
        made.plan, query=query, sentence=bad, options=(option,) * 90, on_these_gpus=made.plan.on_these_gpus * 40,
        counts=made.plan.counts * 40, assumptions=(bad,) * 40, warnings=(bad,) * 40, sources=(bad,) * 40,
    )  # fmt: skip
    return replace(made, plan=whole, placements=made.placements * 40)


@pytest.mark.parametrize("number", range(4))
def test_the_longest_and_most_hostile_answer_is_within_slacks_limits(number: int) -> None:
    check(plan_message(longest(), frames(CATALOG)[number]))


def test_a_message_that_is_too_long_loses_its_least_important_blocks_and_keeps_its_buttons() -> None:
    for frame in frames(CATALOG):
        message = plan_message(longest(), frame)
        labels = [one["text"]["text"] for one in elements(message.blocks) if one["type"] == "button"]
        assert any("etails" in label for label in labels)


@pytest.mark.parametrize(
    "question",
    [
        "can Mixtral 8x22B run on A100 40GB?",
        "llama 3.1 8b on 4090",
        "what fits on 2x A100 80GB",
        "deepseek v3 on h200",
    ],
)
def test_the_verdict_comes_first_in_words(question: str) -> None:
    made = answer(parse_question(question, CATALOG), CATALOG, None)
    message = plan_message(made, frames(CATALOG)[1])
    first = message.blocks[0]["text"]["text"]
    assert any(word in first for word in ("Yes", "No", "Not known", "What fits"))
    assert message.text.startswith(first[:20])


def test_without_colour_or_pictures_the_verdicts_are_still_words() -> None:
    made = answer(parse_question("can Mixtral 8x22B run on A100 40GB?", CATALOG), CATALOG, None)
    shown = all_text(plan_message(made, frames(CATALOG)[1]).blocks)
    assert "does not fit" in shown
    assert "fits" in shown


def test_the_answer_says_who_answers_with_which_facts() -> None:
    made = answer(parse_question("llama 3.1 8b on 4090", CATALOG), CATALOG, None)
    shown = all_text(plan_message(replace(made, catalog_date=date(2026, 11, 22)), frames(CATALOG)[1]).blocks)
    assert "fittingroom 0.1.0" in shown
    assert "catalog of 2026-11-22" in shown
    assert "±" in shown


def test_other_messages_are_within_slacks_limits() -> None:
    seen = fleet(nodes=40, gpus=8)
    check(help_message("/fit"))
    check(failure_message("0123abcd"))
    check(status_message(seen))
    check(status_message(fleet(), HOSTILE))
    check(fits_message(seen, fits_now(seen, CATALOG)))
    check(users_message(seen, HOSTILE, tuple(seen.gpus())))
    check(users_message(seen, HOSTILE, ()))
    check(unavailable_message(FleetUnavailable(HOSTILE)))
    check(unavailable_message(None))
    check(error_message(UnknownName("model", HOSTILE, near=(HOSTILE, "Mixtral 8x22B")), HOSTILE, "/fit"))
    check(shared_message(plan_message(longest(), frames(CATALOG)[0]), HOSTILE, HOSTILE * 50))


@pytest.mark.parametrize(
    "question", ["mixtral 8x22b on A100", "what fits on 4090", "which gpu for llama 3.1 8b"]
)
def test_the_form_is_within_slacks_limits(question: str) -> None:
    origin = Origin(channel="C1", response_url="https://hooks.example/" + "x" * 200, replace=True)
    assert view_problems(form(parse_question(question, CATALOG), CATALOG, origin)) == []
    assert Origin.unpacked(origin.packed()) == origin


def test_blocks_beyond_the_limits_are_left_out_but_never_the_headline_the_buttons_or_the_last_line() -> None:
    long = [{"type": "section", "text": {"type": "plain_text", "text": "x" * 2900}}] * 60
    title, row = {"type": "header", "text": {"text": "t"}}, {"type": "actions", "elements": []}
    last = {"type": "context", "elements": []}
    kept = within_limits([title, *long, row, last])
    assert sum(text_length(block) for block in kept) <= 12_000
    assert kept == (title, *long[:4], row, last)
    many = [{"type": "section", "text": {"type": "plain_text", "text": "x"}}] * 90
    assert len(within_limits([title, *many, row, last])) == 50


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("a & b", "a &amp; b"),
        ("q4_k_m", "q4_k_m"),
        ("one\ntwo\tthree", "one two three"),
    ],
)
def test_echoed_text_is_shown_as_it_is(text: str, shown: str) -> None:
    assert inert(text) == shown


@pytest.mark.parametrize(
    "mark", ["*b*", "_i_", "~s~", "`c`", "@here", "#general", "http://x.example", ":tada:"]
)
def test_echoed_marks_do_nothing(mark: str) -> None:
    assert inert(mark) != mark
    assert inert(mark).replace("\u2060", "") == mark


def test_what_hides_or_turns_text_around_is_gone() -> None:
    assert printable("a\u202eb\u200bc\x00d\x1b[31m") == "abcd[31m"
    assert literal("<@U1>") == "‹@U1›"


def test_what_was_said_plainly_is_no_button_and_what_was_guessed_is_one() -> None:
    plain = read_as_blocks(parse_question("llama 3.1 8b q4_k_m on rtx-4090", CATALOG), private=True)
    guessed = parse_question("lama 3.1 8b q4_k_m on rtx-4090", CATALOG)
    assert [block["type"] for block in plain] == ["context"]
    assert [block["type"] for block in read_as_blocks(guessed, private=True)] == ["context", "actions"]
    assert [block["type"] for block in read_as_blocks(guessed, private=False)] == ["context"]
