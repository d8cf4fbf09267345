"""From what a person does in Slack to what they see, with the bot as its own process, in both transports."""

import asyncio
import uuid

import pytest

from tests.bot.conftest import World
from tests.fakes.block_kit import pings
from tests.fakes.slack_server import all_text

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTION = "llama 3.1 8b fp8 on A100 40GB with vllm"


def new_user(world: World) -> str:
    """Someone who has asked nothing yet, in channel C1."""
    user = f"U{uuid.uuid4().hex[:8].upper()}"
    world[0].workspace.members["C1"].add(user)
    return user


async def test_a_slash_command_is_answered_for_the_asker_alone_verdict_first(world: World) -> None:
    slack, _ = world
    user = new_user(world)
    answer = await slack.ask(f"/fit {QUESTION}", user=user)
    assert answer.seen_by == user
    assert answer.blocks[0]["type"] == "header"
    assert answer.blocks[0]["text"]["text"].startswith("✅ Yes: Llama 3.1 8B on 1 × A100 40GB")
    assert answer.text.startswith("✅ Yes: Llama 3.1 8B")
    assert "vllm serve" in all_text(answer.blocks)


async def test_an_acknowledgement_carries_nothing_and_comes_at_once(world: World) -> None:
    slack, _ = world
    ack = await slack.command(f"/fit {QUESTION}", user=new_user(world))
    assert ack.in_time
    assert not ack.payload


@pytest.mark.parametrize("words", ["", "help", " HELP "])
async def test_help_shows_examples_that_can_be_pressed(world: World, words: str) -> None:
    slack, _ = world
    user = new_user(world)
    shown = await slack.ask(f"/fit {words}", user=user)
    assert "can Mixtral 8x22B run on A100 40GB?" in all_text(shown.blocks)
    await slack.click(shown, "llama 3.1 70b q4_k_m", user=user)
    await slack.changed(shown, 1)
    assert "Llama 3.1 70B" in shown.blocks[0]["text"]["text"]


async def test_a_mention_is_answered_in_its_thread_for_everyone(world: World) -> None:
    slack, _ = world
    before = len(slack.workspace.visible(channel="C1", user="U1"))
    await slack.mention(QUESTION, thread="1700000000.000001")
    answer = await slack.answer(channel="C1", after=before)
    assert answer.thread_ts == "1700000000.000001"
    assert answer.seen_by is None
    assert "Llama 3.1 8B" in answer.blocks[0]["text"]["text"]


async def test_an_event_that_slack_repeats_is_answered_once(world: World) -> None:
    slack, _ = world
    before = len(slack.workspace.visible(channel="C1", user="U1"))
    for _ in range(3):
        await slack.mention(QUESTION, event_id="Ev-repeated")
    await slack.answer(channel="C1", after=before)
    await slack.mention(QUESTION)  # a later question: when its answer is there, a second one would be too
    await slack.answer(channel="C1", after=before + 1)
    assert len(slack.workspace.visible(channel="C1", user="U1")) == before + 2


async def test_a_direct_message_is_answered_in_place_and_other_bots_are_not(world: World) -> None:
    slack, _ = world
    before = len(slack.workspace.visible(channel="D1"))
    await slack.dm(QUESTION, bot_id="BOTHER")
    await slack.dm(QUESTION, subtype="message_changed")
    await slack.dm(QUESTION)
    answer = await slack.answer(channel="D1", after=before)
    assert "Llama 3.1 8B" in answer.blocks[0]["text"]["text"]
    assert len(slack.workspace.visible(channel="D1")) == before + 1


async def test_what_is_not_understood_offers_the_nearest_names_as_buttons(world: World) -> None:
    slack, _ = world
    user = new_user(world)
    error = await slack.ask("/fit mixtrl 9x22b on A100 40GB", user=user)
    assert "I don't know the model 'mixtrl 9x22b'" in all_text(error.blocks)
    await slack.click(error, "Mixtral 8x22B", user=user)
    await slack.changed(error, 1)
    assert "Mixtral 8x22B on 1 × A100 40GB" in error.blocks[0]["text"]["text"]


async def test_an_ambiguous_gpu_is_asked_back_and_a_press_decides_it(world: World) -> None:
    slack, _ = world
    user = new_user(world)
    answer = await slack.ask("/fit llama 3.1 8b fp8 on A100 with vllm", user=user)
    await slack.click(answer, "A100 80GB", user=user)
    await slack.changed(answer, 1)
    assert "A100 80GB" in answer.blocks[0]["text"]["text"]


async def test_a_button_on_a_public_answer_leaves_it_as_it_is_and_answers_its_presser(world: World) -> None:
    slack, _ = world
    user = new_user(world)
    before = len(slack.workspace.visible(channel="C1", user=user))
    await slack.mention(QUESTION)
    public = await slack.answer(channel="C1", user=user, after=before)
    await slack.click(public, "Details", user=user)
    own = await slack.answer(channel="C1", user=user, after=before + 1)
    assert own.seen_by == user
    assert "Assumed" in all_text(own.blocks)
    assert public.versions == 1


async def test_details_unfold_and_fold_in_place(world: World) -> None:
    slack, _ = world
    user = new_user(world)
    answer = await slack.ask(f"/fit {QUESTION}", user=user)
    assert "Assumed" not in all_text(answer.blocks)
    await slack.click(answer, "Details", user=user)
    await slack.changed(answer, 1)
    assert "Assumed" in all_text(answer.blocks)
    await slack.click(answer, "Fewer details", user=user)
    await slack.changed(answer, 2)
    assert "Assumed" not in all_text(answer.blocks)


HOSTILE = [
    "<!channel> <!here> <@U2> <#C2|x> can mixtral run",
    "@channel @here @everyone llama?",
    "&lt;!channel&gt; &lt;@U2&gt; llamma 9x99b",
    "<https://evil.example/|llama 3.1 8b> javascript:alert(1) http://evil.example/x",
    "llama\u202e8b\u0000\u0007\u200b on a100\x1b[31m 40gb",
    "*bold* _it_ ~s~ `code` ```block``` > quote",
    "x" * 10_000,
    "🦙" * 50,
    "'; DROP TABLE watches; --",
    "{{7*7}} ${jndi:ldap://x} %s %n",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_text_is_answered_and_pings_nobody(world: World, text: str) -> None:
    slack, _ = world
    user = new_user(world)
    answer = await slack.ask(f"/fit {text}", user=user)
    assert pings(answer.blocks) == []
    assert pings(answer.text) == []
    shown = all_text(answer.blocks) + answer.text
    assert not set(shown) & set("\x00\x07\x1b\u202e\u200b")
    assert len(shown) < 5000


async def test_questions_at_once_are_all_acknowledged_in_time_and_answered(world: World) -> None:
    slack, _ = world
    users = [new_user(world) for _ in range(20)]
    acks = await asyncio.gather(*(slack.command(f"/fit {QUESTION}", user=user) for user in users))
    assert all(ack.in_time for ack in acks)
    for user in users:
        assert "Llama 3.1 8B" in (await slack.answer(user=user)).text
