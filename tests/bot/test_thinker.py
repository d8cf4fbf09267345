"""Planning in processes of its own: what travels between them, and what happens when one is killed."""

import asyncio
import os
import signal
from pathlib import Path

from bot.answer import Answer
from bot.fleet import FleetUnavailable
from bot.thinker import Thinker
from bot.thinking import Asked, Misunderstood
from shared.planner.plan import Headline
from tests.bot.bot_process import environment, free_port, start
from tests.bot.fleets import fleet
from tests.fakes.slack_server import FakeSlack

QUESTION = "llama 3.1 8b fp8 on A100 40GB with vllm"


def planning_processes(parent: int) -> set[int]:
    """Processes that `parent` has started to plan in."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        if int(fields[1]) == parent and fields[0] != "Z" and b"spawn_main" in command:
            found.add(int(folder.name))
    return found


async def test_an_answer_and_a_mistake_come_back_whole() -> None:
    thinker = Thinker(processes=1)
    try:
        made = await thinker.think("answer", Asked(text=QUESTION, fleet=fleet()))
        assert isinstance(made, Answer)
        assert made.plan.headline is Headline.YES
        assert made.placements[0].rooms.rooms
        mistake = await thinker.think("answer", Asked(text="mixtrl 9x22b", fleet=FleetUnavailable("away")))
        assert isinstance(mistake, Misunderstood)
        error = mistake.error()
        assert error.given == "mixtrl 9x22b"  # type: ignore[attr-defined]
        assert "Mixtral 8x22B" in error.suggestions
    finally:
        thinker.close()


async def test_a_planning_process_that_is_killed_is_replaced_and_nobody_waits_in_vain() -> None:
    before = planning_processes(os.getpid())
    thinker = Thinker(processes=1)
    try:
        await thinker.warm()
        waiting = [
            asyncio.create_task(thinker.think("json", Asked(text=f"mixtral 8x22b on {n}x A100 40GB")))
            for n in range(2, 8)
        ]
        await asyncio.sleep(0)
        killed = planning_processes(os.getpid()) - before
        assert len(killed) == 1
        os.kill(killed.pop(), signal.SIGKILL)
        answers = await asyncio.gather(*waiting)
        assert [one["query"]["gpu_count"] for one in answers] == list(range(2, 8))
    finally:
        thinker.close()


async def test_a_bot_that_is_killed_leaves_no_planning_process_behind() -> None:
    async with FakeSlack() as slack:
        port = free_port()
        bot = await start(environment(slack, "socket", port), port)
        await bot.ready()
        planning = planning_processes(bot.process.pid)
        assert planning
        bot.process.kill()
        await bot.process.wait()
        async with asyncio.timeout(20):
            while any(Path(f"/proc/{process}").exists() for process in planning):  # noqa: ASYNC110, ASYNC240
                await asyncio.sleep(0.1)
        await bot.stop()
