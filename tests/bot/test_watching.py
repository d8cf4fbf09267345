"""Watches from Slack, with the bot as its own process over a fleet that changes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.bot.bot_process import BotProcess, running_bot
from tests.bot.fleet_world import Node, exporters, gpu, node
from tests.fakes.slack.workspace import Posted
from tests.fakes.slack_server import FakeSlack, all_text

QUESTION = "llama 3.1 8b fp8 on A100 40GB with vllm"
FULL = node("node-7", gpu("0", 1.0))
FREE = node("node-7", gpu("0", 39.0))
QUICK = {
    "FITTINGROOM_WATCH_EVERY_SECONDS": "0.1",
    "FITTINGROOM_WATCH_HOLD_SECONDS": "0.3",
    "FITTINGROOM_WATCH_LEASE_SECONDS": "2",
    "FITTINGROOM_FLEET_KEEP_SECONDS": "0",
}

World = tuple[FakeSlack, BotProcess, Node]


@asynccontextmanager
async def world(folder: Path, mode: str = "socket", **more: str) -> AsyncIterator[World]:
    """A bot that looks at one node ten times a second, for a watch of U2's that is never fulfilled."""
    async with exporters(FULL) as nodes, FakeSlack() as slack:
        settings = QUICK | {
            "FITTINGROOM_EXPORTER_URLS": nodes[0].url,
            "FITTINGROOM_DATABASE_URL": f"sqlite:///{folder}/bot.sqlite",
        }
        async with running_bot(slack, mode, **settings | more) as bot:
            await slack.ask("/fit watch llama 3.1 70b fp8 on 4x A100 40GB with vllm", user="U2")
            yield slack, bot, nodes[0]


def told(slack: FakeSlack) -> list[Posted]:
    """The messages that watches have sent."""
    return [one for one in slack.workspace.messages if one.metadata]


async def looked(one: Node, times: int = 5) -> None:
    """Wait until the bot has looked so many times more."""
    target = one.requests + times
    async with asyncio.timeout(20):
        while one.requests < target:  # noqa: ASYNC110  the fake exporter rings no bell
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("mode", ["socket", "http"])
async def test_a_watch_is_promised_then_told_once_when_there_is_room(tmp_path: Path, mode: str) -> None:
    async with world(tmp_path, mode) as (slack, bot, place):
        promise = await slack.ask(f"/fit watch {QUESTION}")
        assert (
            "I will write to you when there is room for Llama 3.1 8B · FP8 · 1 × A100 40GB · vllm"
            in promise.text
        )
        await looked(place)
        assert told(slack) == []
        place.report = FREE
        await slack.workspace.until(lambda: told(slack), what="the watch's message")
        await looked(place, 10)
        (message,) = told(slack)
        assert message.channel == "D1"
        shown = all_text(message.blocks)
        assert "🔔 There is room: Llama 3.1 8B · FP8 · 1 × A100 40GB · vllm" in shown
        assert "node-7, GPU 0 (A100 40GB): 39.0 GiB free" in shown
        assert "vllm serve" in shown
        assert await bot.metric('fittingroom_bot_watch_notifications_total{result="sent"}') == 1


async def test_what_fits_now_or_never_is_said_instead_of_promised(tmp_path: Path) -> None:
    async with world(tmp_path) as (slack, _, place):
        never = await slack.ask("/fit watch mixtral 8x22b bf16 on A100 40GB")
        assert "would not fit when empty either" in never.text
        place.report = FREE
        await looked(place)
        now = await slack.ask(f"/fit watch {QUESTION}")
        assert "It fits right now" in now.text
        listed = await slack.ask("/fit watches")
        assert "You have no watches" in listed.text


async def test_a_watch_can_be_listed_stopped_and_taken_up_again(tmp_path: Path) -> None:
    async with world(tmp_path) as (slack, _, place):
        await slack.ask(f"/fit watch {QUESTION}")
        await slack.ask(f"/fit watch {QUESTION}")  # the same wish is one watch
        listed = await slack.ask("/fit watches")
        assert listed.text.count("Llama 3.1 8B") == 1
        await slack.click(listed, "Stop")
        await slack.changed(listed, 1)
        assert "Stopped" in listed.text
        place.report = FREE
        await looked(place, 10)
        assert told(slack) == []
        await slack.click(listed, "Watch again")
        await slack.changed(listed, 2)
        assert "in an hour" in listed.text


async def test_nobody_can_stop_another_persons_watch(tmp_path: Path) -> None:
    async with world(tmp_path) as (slack, _, _place):
        promise = await slack.ask(f"/fit watch {QUESTION}")
        await slack.click(promise, "Stop", user="U2")
        await slack.changed(promise, 1)
        assert "not there any more" in promise.text
        assert "Llama 3.1 8B" in (await slack.ask("/fit watches")).text


async def test_a_watch_survives_a_restart(tmp_path: Path) -> None:
    async with world(tmp_path) as (slack, _, _place):
        await slack.ask(f"/fit watch {QUESTION}")
    async with world(tmp_path) as (slack, _, place):
        assert "Llama 3.1 8B" in (await slack.ask("/fit watches")).text
        place.report = FREE
        await slack.workspace.until(lambda: told(slack), what="the watch's message")


async def test_a_message_slack_would_not_take_is_sent_later_once(tmp_path: Path) -> None:
    async with world(tmp_path) as (slack, bot, place):
        await slack.ask(f"/fit watch {QUESTION}")
        slack.fail_next("chat.postMessage", 200, body='{"ok":false,"error":"internal_error"}', times=2)
        place.report = FREE
        await bot.says("the next round tries again")
        await slack.workspace.until(lambda: told(slack), what="the watch's message", seconds=20)
        await looked(place, 10)
        assert len(told(slack)) == 1


async def test_without_a_fleet_nothing_is_promised() -> None:
    async with FakeSlack() as slack, running_bot(slack, "socket"):
        answer = await slack.ask(f"/fit watch {QUESTION}")
        assert "nobody told me where our GPUs are" in answer.text
