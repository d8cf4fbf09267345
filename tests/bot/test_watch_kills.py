"""The bot is killed at random moments of the watch cycle: nothing is lost, nothing is told twice."""

import asyncio
import os
import random
from pathlib import Path

from tests.bot.bot_process import BotProcess, environment, free_port, start
from tests.bot.fleet_world import Node, exporters
from tests.bot.test_watching import FREE, FULL, QUICK, told
from tests.fakes.slack_server import FakeSlack

KILLS = int(os.environ.get("FITTINGROOM_KILLS", "12"))  # 200 by hand; each costs a start of the bot
CONTEXTS = (1024, 2048, 4096, 8192, 12_288, 16_384, 20_480, 24_576)


async def killed_at_random(bot: BotProcess, chance: random.Random) -> None:
    """kill -9, some time within the round that tells."""
    await asyncio.sleep(chance.uniform(0, 0.9))
    bot.process.kill()
    await bot.process.wait()
    await bot.stop()


async def started(slack: FakeSlack, place: Node, folder: Path) -> BotProcess:
    """A bot over the same database as the one before."""
    port = free_port()
    settings = QUICK | {
        "FITTINGROOM_WATCH_LEASE_SECONDS": "1",
        "FITTINGROOM_EXPORTER_URLS": place.url,
        "FITTINGROOM_DATABASE_URL": f"sqlite:///{folder}/bot.sqlite",
    }
    bot = await start(environment(slack, "socket", port, **settings), port)
    await bot.ready()
    return bot


async def promises(slack: FakeSlack, user: str, contexts: tuple[int, ...]) -> int:
    """Ask for a watch per context; how many were promised."""
    slack.workspace.members["C1"].add(user)
    for context in contexts:
        question = f"llama 3.1 8b fp8 on A100 40GB with vllm {context} context"
        for _ in range(50):
            said = (await slack.ask(f"/fit watch {question}", user=user)).text
            if "It fits right now" not in said:
                break
            await asyncio.sleep(0.1)  # that look at the fleet began before the GPUs were taken
        assert "I will write to you" in said
    return len(contexts)


async def test_killed_at_any_moment_every_watch_is_told_once(tmp_path: Path) -> None:
    chance = random.Random(20261123)
    async with exporters(FULL) as nodes, FakeSlack() as slack:
        place, promised = nodes[0], 0
        bot = await started(slack, place, tmp_path)
        try:
            for number in range(KILLS):
                place.report = FULL
                # Slack is slow now and then, so that some kills fall between its acceptance and our note of it
                slack.workspace.slow_seconds = chance.choice([0.0, 0.0, 0.2])
                promised += await promises(slack, f"U{number + 10}", CONTEXTS[: chance.randint(1, 3)])
                place.report = FREE
                await killed_at_random(bot, chance)
                bot = await started(slack, place, tmp_path)
            place.report = FREE
            await slack.workspace.until(lambda: len(told(slack)) >= promised, seconds=60, what="every watch")
            await asyncio.sleep(1.5)  # longer than a lease: whatever would be told twice is told by now
        finally:
            code = await bot.stop()
        keys = [str(one.metadata["event_payload"]) for one in told(slack) if one.metadata]
        assert code == 0
        assert len(keys) == promised
        assert len(set(keys)) == promised
