"""Changing a question by menus and by the form, and the other ways in: shortcuts, the home tab, sharing."""

import json

import pytest

from tests.bot.conftest import World
from tests.bot.test_conversation import QUESTION, new_user
from tests.fakes.slack_server import all_text, find_button, find_element

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("menu", "value", "shows"),
    [
        ("fit_set:context_tokens", "32768", "32k context"),
        ("fit_set:kv_cache_type", "fp8", "KV cache fp8"),
        ("fit_set:gpu_count", "2", "2 × A100 40GB"),
        ("fit_set:sequences", "8", "8 at once"),
        ("fit_set:engine", "sglang", "sglang"),
        ("fit_set:quantization", "AWQ", "AWQ"),
    ],
)
async def test_a_menu_changes_its_part_of_the_question_in_place(
    world: World, menu: str, value: str, shows: str
) -> None:
    slack, _ = world
    user = new_user(world)
    answer = await slack.ask(f"/fit {QUESTION}", user=user)
    await slack.select(answer, menu, value, user=user)
    await slack.changed(answer, 1)
    shown = all_text(answer.blocks)
    assert shows in shown[shown.index("Read as") :][:200]
    assert find_element(answer.blocks, menu)["initial_option"]["value"] == value


async def test_a_part_can_be_taken_back_out_of_the_question(world: World) -> None:
    slack, _ = world
    user = new_user(world)
    answer = await slack.ask(f"/fit {QUESTION}", user=user)
    await slack.select(answer, "fit_set:quantization", "-", user=user)
    await slack.changed(answer, 1)
    assert "initial_option" not in find_element(answer.blocks, "fit_set:quantization")


async def test_a_shared_answer_is_for_everyone_and_pings_nobody(world: World) -> None:
    slack, _ = world
    user = new_user(world)
    answer = await slack.ask(f"/fit {QUESTION}", user=user)
    before = len(slack.workspace.visible(channel="C1", user=user))
    await slack.click(answer, "Share to channel", user=user)
    shared = await slack.answer(user=user, after=before)
    assert shared.seen_by is None
    shown = all_text(shared.blocks)
    assert "Asked: Llama 3.1 8B · FP8 · 1 × A100 40GB · vllm · shared by u" in shown
    assert "Share to channel" not in shown


async def opened_form(world: World, user: str) -> dict:
    slack, _ = world
    answer = await slack.ask(f"/fit {QUESTION}", user=user)
    before = set(slack.workspace.views)
    await slack.click(answer, "Change…", user=user)
    await slack.workspace.until(lambda: set(slack.workspace.views) - before, what="the form")
    return slack.workspace.views[(set(slack.workspace.views) - before).pop()]


def filled(view: dict, **values: str) -> dict:
    """The state Slack sends when the form is submitted with these fields changed."""
    state: dict = {}
    for block in view["blocks"]:
        element = block["element"]
        given = values.get(block["block_id"])
        if element["type"] == "plain_text_input":
            entry = {"type": element["type"], "value": given or element.get("initial_value")}
        else:
            chosen = {"value": given} if given else element.get("initial_option")
            entry = {"type": element["type"], "selected_option": chosen}
        state[block["block_id"]] = {element["action_id"]: entry}
    return {**view, "state": {"values": state}}


async def test_the_form_holds_the_question_and_its_answer_takes_the_place_of_the_old_one(
    world: World,
) -> None:
    slack, _ = world
    user = new_user(world)
    view = await opened_form(world, user)
    assert find_element(view["blocks"], "fit_find_model")["initial_option"]["value"] == "llama-3.1-8b"
    assert find_element(view["blocks"], "fit_field_quantization")["initial_option"]["value"] == "FP8"
    message = slack.workspace.visible(channel="C1", user=user)[-1]
    submitted = filled(
        view, model="mixtral-8x7b", context_tokens="16k", quantization="Q4_K_M", engine="llama.cpp"
    )
    ack = await slack.interactive({"type": "view_submission", "view": submitted}, user=user)
    assert ack.payload is None
    await slack.changed(message, 1)
    assert "Mixtral 8x7B on 1 × A100 40GB" in message.blocks[0]["text"]["text"]
    assert "16k context" in all_text(message.blocks)


@pytest.mark.parametrize(
    ("field", "value"),
    [("context_tokens", "a lot"), ("gpu_count", "0"), ("sequences", "-3"), ("gpu_count", "99999")],
)
async def test_a_value_that_cannot_be_is_said_at_its_field_and_the_form_stays(
    world: World, field: str, value: str
) -> None:
    slack, _ = world
    user = new_user(world)
    view = await opened_form(world, user)
    ack = await slack.interactive(
        {"type": "view_submission", "view": filled(view, **{field: value})}, user=user
    )
    assert ack.payload is not None
    assert ack.payload["response_action"] == "errors"
    assert "whole number" in ack.payload["errors"][field]


async def test_searching_finds_models_and_gpus_by_what_was_typed(world: World) -> None:
    slack, _ = world
    for action, typed, first in (
        ("fit_find_model", "mixtral 8x22", "mixtral-8x22b"),
        ("fit_find_model", "lama 3.1 70", "llama-3.1-70b"),
        ("fit_find_gpu", "a100 80", "a100-80gb"),
    ):
        ack = await slack.interactive(
            {"type": "block_suggestion", "action_id": action, "block_id": "x", "value": typed}
        )
        assert ack.payload is not None
        values = [option["value"] for option in ack.payload["options"]]
        assert values[0] == first
        assert len(values) <= 100


async def test_the_global_shortcut_opens_an_empty_form_whose_answer_is_a_direct_message(world: World) -> None:
    slack, _ = world
    before_views, before = set(slack.workspace.views), len(slack.workspace.visible(channel="D1"))
    shortcut = {
        "type": "shortcut",
        "callback_id": "fit_plan",
        "trigger_id": slack.workspace.new_trigger("U1", ""),
    }
    await slack.interactive(shortcut)
    await slack.workspace.until(lambda: set(slack.workspace.views) - before_views, what="the form")
    view = slack.workspace.views[(set(slack.workspace.views) - before_views).pop()]
    nothing = await slack.interactive({"type": "view_submission", "view": filled(view)})
    assert nothing.payload is not None
    assert "Choose a model" in nothing.payload["errors"]["model"]
    await slack.interactive(
        {"type": "view_submission", "view": filled(view, model="llama-3.1-8b", gpu="a100-40gb")}
    )
    answer = await slack.answer(channel="D1", after=before)
    assert "Llama 3.1 8B on 1 × A100 40GB" in answer.text, answer.text


@pytest.mark.parametrize(
    "text",
    [
        "can llama 3.1 8b fp8 run on an A100 40GB?",
        "<https://huggingface.co/meta-llama/Llama-3.1-8B-Instruct|this one> on A100 40GB",
        "<@U2> llama 3.1 8b, A100 40GB",
    ],
)
async def test_the_message_shortcut_reads_someones_words(world: World, text: str) -> None:
    slack, _ = world
    user = new_user(world)
    await slack.interactive(
        {
            "type": "message_action",
            "callback_id": "fit_message",
            "trigger_id": slack.workspace.new_trigger(user, "C1"),
            "message_ts": "1.0",
            "message": {"type": "message", "user": "U2", "ts": "1.0", "text": text},
            "channel": {"id": "C1", "name": "gpu"},
            "response_url": slack.workspace.new_response_url(slack.base, user, "C1"),
        },
        user=user,
    )
    answer = await slack.workspace.until(
        lambda: [one for one in slack.workspace.messages if one.seen_by == user], what="an answer"
    )
    assert "Llama 3.1 8B on 1 × A100 40GB" in answer[0].blocks[0]["text"]["text"]


async def test_the_home_tab_shows_where_to_begin_and_says_when_it_sees_no_gpus(world: World) -> None:
    slack, _ = world
    await slack.event({"type": "app_home_opened", "user": "U1", "tab": "home", "channel": "D1"})
    home = await slack.workspace.until(lambda: slack.workspace.homes.get("U1"), what="the home tab")
    shown = all_text(home["blocks"])
    assert "Will it fit?" in shown
    assert "I am not told where our GPUs are" in shown
    assert find_button(home["blocks"], "Plan with a form")["action_id"] == "fit_change"


async def test_a_button_of_the_home_tab_answers_as_a_direct_message(world: World) -> None:
    slack, _ = world
    await slack.event({"type": "app_home_opened", "user": "U1", "tab": "home", "channel": "D1"})
    home = await slack.workspace.until(lambda: slack.workspace.homes.get("U1"), what="the home tab")
    before = len(slack.workspace.visible(channel="D1"))
    action = find_button(home["blocks"], "can Mixtral 8x22B")
    payload = {
        "type": "block_actions",
        "container": {"type": "view", "view_id": home["id"]},
        "view": json.loads(json.dumps(home)),
        "actions": [{**action, "type": "button"}],
        "trigger_id": slack.workspace.new_trigger("U1", ""),
    }
    await slack.interactive(payload)
    answer = await slack.answer(channel="D1", after=before)
    assert "Mixtral 8x22B on 1 × A100 40GB" in answer.blocks[0]["text"]["text"]


async def test_what_was_guessed_is_a_button_that_opens_the_form_with_the_whole_question(world: World) -> None:
    slack, _ = world
    user = new_user(world)
    answer = await slack.ask("/fit lama 3.1 8b q4_k_m on 4090", user=user)
    chip = find_button(answer.blocks, "Model: Llama 3.1 8B")
    assert chip["action_id"] == "fit_change:model"
    before = len(slack.workspace.views)
    await slack.click(answer, "Model: Llama 3.1 8B", user=user)
    await slack.workspace.until(lambda: len(slack.workspace.views) > before, what="the form")
    held = find_element(list(slack.workspace.views.values())[-1]["blocks"], "fit_find_model")
    assert held["initial_option"]["text"]["text"] == "Llama 3.1 8B"
