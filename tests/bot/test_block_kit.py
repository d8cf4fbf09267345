"""The strict reader of Block Kit refuses what Slack refuses: a linter that cannot fail would prove nothing."""

from typing import Any

import pytest

from tests.fakes.block_kit import pings, problems, view_problems


def text(words: str = "x", kind: str = "plain_text") -> dict[str, Any]:
    return {"type": kind, "text": words}


def button(**changes: Any) -> dict[str, Any]:
    return {"type": "button", "text": text(), "action_id": "a", **changes}


def rich(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


CELL = {"type": "raw_text", "text": "x"}
TABLE = {"type": "table", "rows": [[CELL, CELL]]}
GOOD = [{"type": "header", "text": text()}, rich({"type": "text", "text": "x"}), TABLE, {"type": "divider"}]


def test_good_blocks_have_no_problem() -> None:
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ([{"type": "divider"}] * 51, "51 entries"),
        ([], "0 entries"),
        ([{"type": "marquee"}], "unsupported type"),
        ([{"type": "header", "text": text("x" * 151)}], "151 characters"),
        ([{"type": "header", "text": text(kind="mrkdwn")}], "mrkdwn text object"),
        ([{"type": "section", "text": text("x" * 3001)}], "3001 characters"),
        ([{"type": "section"}], "needs text or fields"),
        ([{"type": "divider", "colour": "red"}], "not a property"),
        ([{"type": "context", "elements": [text()] * 11}], "11 entries"),
        ([{"type": "actions", "elements": [button(value="")]}], "0 characters"),
        ([{"type": "actions", "elements": [button(value="x" * 2001)]}], "2001 characters"),
        ([{"type": "actions", "elements": [button(text=text("x" * 76))]}], "76 characters"),
        ([{"type": "actions", "elements": [button(style="pink")]}], "primary or danger"),
        ([{"type": "actions", "elements": [button(), button()]}], "used twice in one block"),
        ([{"type": "divider", "block_id": "b"}] * 2, "used twice"),
        ([{"type": "divider", "block_id": "b" * 256}], "256 characters"),
        ([TABLE, TABLE], "only one table"),
        ([{"type": "table", "rows": [[CELL], [CELL, CELL]]}], "different numbers of cells"),
        ([{"type": "table", "rows": [[CELL]] * 101}], "101 entries"),
        ([{"type": "table", "rows": [[{"type": "mrkdwn", "text": "x"}]]}], "raw_text or rich_text"),
        ([rich({"type": "text", "text": ""})], "0 characters"),
        ([rich({"type": "marquee"})], "not an element of rich text"),
        ([{"type": "section", "text": text("x" * 2999)}] * 5, "msg_blocks_too_long"),
    ],
)
def test_what_slack_refuses_is_a_problem(blocks: list[dict[str, Any]], said: str) -> None:
    assert any(said in one for one in problems(blocks)), problems(blocks)


def test_a_menu_must_offer_what_it_shows_and_not_too_much() -> None:
    options = [{"text": text(str(number)), "value": str(number)} for number in range(101)]
    menu = {"type": "static_select", "action_id": "m", "options": options}
    assert any("101 entries" in one for one in problems([{"type": "actions", "elements": [menu]}]))
    odd = menu | {"options": options[:2], "initial_option": options[5]}
    assert any(
        "initial_option is not one" in one for one in problems([{"type": "actions", "elements": [odd]}])
    )
    long = menu | {"options": [{"text": text(), "value": "x" * 151}]}
    assert any("151 characters" in one for one in problems([{"type": "actions", "elements": [long]}]))


def test_a_form_needs_a_short_title_a_submit_button_and_no_table() -> None:
    field = {"type": "input", "label": text(), "element": {"type": "plain_text_input", "action_id": "a"}}
    found = view_problems({"type": "modal", "title": text("x" * 25), "blocks": [field, TABLE]})
    assert any("25 characters" in one for one in found)
    assert any("needs submit" in one for one in found)
    assert any("not allowed in a modal" in one for one in found)


def test_pings_are_found_wherever_slack_would_act_on_them() -> None:
    assert pings([{"type": "section", "text": text("<!channel>", "mrkdwn")}]) == ["<!channel>"]
    assert pings([rich({"type": "broadcast", "range": "here"})]) == ["broadcast"]
    assert pings("hello <@U1>") == ["<@U1>"]
    assert pings([rich({"type": "text", "text": "<!channel>"})]) == []  # literal there
