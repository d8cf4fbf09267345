"""How the Slack bot behaves under load, as its own process over the loopback Slack: acknowledgements, answers, memory.

Run: python -m benchmarks.slack_bot [--commands 50000]
"""

import argparse
import asyncio
import gc
import random
import socket
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from shared.catalog.load import load_catalog
from tests.bot.bot_process import BotProcess, running_bot
from tests.bot.fleet_world import exporters, gpu, node
from tests.fakes.slack_server import FakeSlack


def questions(count: int) -> list[str]:
    """Questions about catalog models on common GPUs, no two alike in a row."""
    chance = random.Random(1)
    models = [one.id for one in load_catalog().models.values()]
    cards = ["a100-40gb", "a100-80gb", "h100-80gb", "rtx-4090", "l40s", "h200", "l4"]
    return [
        f"{chance.choice(models)} on {chance.choice((1, 2, 4))}x {chance.choice(cards)}" for _ in range(count)
    ]


def mostly_repeated(count: int) -> list[str]:
    """As a team asks: nine of ten questions come again and again, one is new."""
    chance = random.Random(2)
    new = questions(count // 10 + 50)
    usual = new[:50]
    return [new[number // 10] if number % 10 == 0 else chance.choice(usual) for number in range(count)]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def say(what: str, seconds: Sequence[float]) -> None:
    """One line in milliseconds."""
    shown = " ".join(
        f"{name} {1000 * value:.1f}"
        for name, value in (
            ("p50", statistics.median(seconds)),
            ("p99", percentile(seconds, 0.99)),
            ("max", max(seconds)),
        )
    )
    print(f"{what}: {shown} ms over {len(seconds)}")


async def acknowledgements(mode: str) -> None:
    """50 commands at once, ten times, with a Prometheus that hangs."""
    hanging = socket.create_server(("127.0.0.1", 0))
    address = "http://{}:{}".format(*hanging.getsockname())
    async with FakeSlack() as slack, running_bot(slack, mode, PROMETHEUS_URL=address):
        asked = iter(questions(500))
        seconds: list[float] = []
        late = 0
        for _ in range(10):
            acks = await asyncio.gather(*(slack.command(f"/fit {next(asked)}") for _ in range(50)))
            seconds += [ack.seconds for ack in acks]
            late += sum(not ack.in_time for ack in acks)
            await asyncio.sleep(1)
        say(f"acknowledgement, 50 at once, Prometheus hangs, {mode}", seconds)
        print(f"  over 3 s: {late}")
    hanging.close()


async def answers(mode: str, rate: float, count: int) -> None:
    """Command to posted answer at a steady rate, with a fleet."""
    async with (
        exporters(node("node-1", gpu("0", 39.0), gpu("1", 39.0))) as nodes,
        FakeSlack() as slack,
        running_bot(slack, mode, FITTINGROOM_EXPORTER_URLS=nodes[0].url),
    ):
        seconds: list[float] = []

        async def ask(question: str, user: str) -> None:
            slack.workspace.members["C1"].add(user)
            started = time.perf_counter()
            await slack.ask(f"/fit {question}", user=user)
            seconds.append(time.perf_counter() - started)

        running = []
        for number, question in enumerate(questions(count)):
            running.append(asyncio.create_task(ask(question, f"U{number + 100}")))
            await asyncio.sleep(1 / rate)
        await asyncio.gather(*running)
        say(f"question to answer, {rate:g} commands/s, {mode}", seconds)


async def memory(commands: int) -> None:
    """Resident memory over many commands."""
    async with FakeSlack() as slack, running_bot(slack, "socket") as bot:
        asked = mostly_repeated(commands)
        say_memory("at the start", bot)
        for start in range(0, commands, 50):
            done = start + 50
            await asyncio.gather(*(slack.command(f"/fit {one}") for one in asked[start:done]))
            await slack.workspace.until(
                lambda: all(url.uses for url in slack.workspace.response_urls.values()), seconds=120
            )
            slack.workspace.messages.clear()
            slack.workspace.response_urls.clear()
            slack.workspace.triggers.clear()
            if done % max(50, commands // 50) < 50:
                say_memory(f"after {done}", bot)


def say_memory(when: str, bot: BotProcess) -> None:
    """What the bot holds, and each of its planning processes."""
    tasks = Path(f"/proc/{bot.process.pid}/task").glob("*/children")
    children = [int(pid) for task in tasks for pid in task.read_text(encoding="utf-8").split()]
    planners = ", ".join(f"{resident_mib(pid):.0f}" for pid in children)
    print(
        f"resident memory {when}: {resident_mib(bot.process.pid):.0f} MiB; its processes {planners}",
        flush=True,
    )


def resident_mib(pid: int) -> float:
    """What a process holds now."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


async def main() -> None:
    """All of it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--commands", type=int, default=2000, help="commands of the memory run")
    options.add_argument(
        "--answers", type=int, default=400, help="questions of the latency run; 0 leaves it out"
    )
    given = options.parse_args()
    gc.disable()  # a collection of this process, facts and all, would be told as 200 ms of the bot's
    for mode in ("socket", "http") if given.answers else ():
        await acknowledgements(mode)
        await answers(mode, 20, given.answers)
    gc.enable()
    await memory(given.commands)


if __name__ == "__main__":
    asyncio.run(main())
