"""What the verdict says: the cost in quality in words, what to run, models side by side, places we do not have."""

import re
from typing import Any

import pytest

from bot.answer import answer
from bot.messages.plan import Frame, plan_message
from bot.messages.verdict import best_option
from bot.messages.words import BREAKS
from bot.terminal.picture import svg
from bot.thinking import Asked, Mind
from shared.catalog.load import load_catalog
from shared.memory.breakdown import Verdict
from shared.planner.planner import plan
from shared.question.parse import parse_question
from tests.bot.fleets import fleet
from tests.bot.matrix import check
from tests.fakes.slack_server import all_text, elements

CATALOG = load_catalog()
MIND = Mind(CATALOG)
RUINOUS = "llama 3.3 70b IQ1_S on 4090"


def message(question: str, *, details: bool = False) -> Any:
    made = answer(parse_question(question, CATALOG), CATALOG, None)
    shown = plan_message(made, Frame(catalog=CATALOG, version="0.1.0", details=details))
    check(shown)
    return shown


def test_a_quantization_that_breaks_the_model_is_never_a_plain_yes() -> None:
    shown = message(RUINOUS, details=True)
    assert "fits, but breaks the model" in shown.blocks[0]["text"]["text"]
    assert "✅" not in shown.text
    (table,) = [block for block in shown.blocks if block["type"] == "table"]
    assert table["rows"][1][0]["text"] == f"🟠 fits, but {BREAKS}"
    ladder = [line for line in all_text(shown.blocks).split("\n") if re.match(r"IQ(1_S|2_XXS) +\d", line)]
    assert ladder
    assert all(BREAKS in line for line in ladder)


def test_three_bits_lose_quality_and_do_not_break_the_model() -> None:
    shown = message("llama 3.3 70b Q3_K_M on L40S")
    assert "Yes, at a visible loss of quality" in shown.blocks[0]["text"]["text"]
    assert BREAKS not in shown.text


def test_a_good_quantization_is_a_plain_yes() -> None:
    assert message("llama 3.1 8b q4_k_m on 4090").blocks[0]["text"]["text"].startswith("✅ Yes: ")


def test_the_drawn_picture_says_in_words_which_option_breaks_the_model() -> None:
    drawn = svg(plan(parse_question(RUINOUS, CATALOG), CATALOG))
    assert f">{BREAKS}<" in drawn
    assert BREAKS not in svg(plan(parse_question("llama 3.1 8b on 4090", CATALOG), CATALOG))


def test_the_command_is_for_what_fits_where_what_was_asked_is_tight() -> None:
    made = plan(parse_question("llama 3.1 8b on RTX 4080", CATALOG), CATALOG)
    assert made.asked is not None
    assert made.asked.verdict is Verdict.TIGHT
    best = best_option(made)
    assert best is not None
    assert best.verdict is Verdict.FITS
    words = all_text(message("llama 3.1 8b on RTX 4080").blocks)
    assert "Best way: " in words
    assert "To run 1:" not in words


def test_models_compared_stand_side_by_side_in_one_table_and_one_chart() -> None:
    shown = message("compare llama 3.3 70b vs qwen3 32b vs gemma 3 27b on H100 80GB")
    (table,) = [block for block in shown.blocks if block["type"] == "table"]
    assert [row[1]["text"] for row in table["rows"][1:]] == ["Llama 3.3 70B", "Qwen3 32B", "Gemma 3 27B"]
    (chart,) = [block for block in shown.blocks if block["type"] == "data_visualization"]
    labels = [point["label"] for point in chart["chart"]["series"][0]["data"]]
    assert labels == ["1. Llama 3.3 70B", "2. Qwen3 32B", "3. Gemma 3 27B", "GPU has"]
    assert shown.text.count("Llama 3.3 70B at") == 1


def test_a_sentence_that_lists_many_ways_is_cut_short_above_the_table() -> None:
    question = "which gpu for llama 3.3 70b"
    told = MIND.reply(Asked(text=question, fleet=fleet())).message
    first = all_text(told.blocks[1])
    assert "of which we have" in first
    assert len(first) < 300
    assert first.endswith("More ways below.")
    assert "More ways below" not in all_text(message(question).blocks[1])


@pytest.mark.parametrize(
    "text", ["on node-77", "on node-77 llama 3.1 8b", "who is using node-77", "status of x"]
)
def test_a_place_we_do_not_have_is_answered_with_those_we_have_as_buttons(text: str) -> None:
    shown = MIND.reply(Asked(text=text, fleet=fleet())).message
    check(shown)
    assert "the nodes I see: node-0, node-1" in shown.text
    assert {one["text"]["text"] for one in elements(shown.blocks)} == {"node-0", "node-1"}


def test_a_gpu_that_is_no_node_is_still_a_gpu() -> None:
    assert (
        "Llama 3.1 8B on 1 × RTX 4090"
        in MIND.reply(Asked(text="on rtx 4090 llama 3.1 8b", fleet=fleet())).message.text
    )
    assert "Did you mean RTX 4090" in MIND.reply(Asked(text="on rtx 409", fleet=fleet())).message.text


def test_thanks_are_not_a_question() -> None:
    assert MIND.reply(Asked(text="Thanks!")).message.text == "You are welcome."
