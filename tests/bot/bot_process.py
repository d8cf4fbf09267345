"""The bot as its own process over the loopback Slack."""

import asyncio
import contextlib
import os
import random
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.fakes.slack.workspace import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET
from tests.fakes.slack_server import FakeSlack

ROOT = Path(__file__).parents[2]
SECRETS = (BOT_TOKEN, APP_TOKEN, SIGNING_SECRET)
START_SECONDS = 90.0  # a busy machine is slow, and waiting for less costs nothing


def environment(slack: FakeSlack, mode: str, port: int, **more: str) -> dict[str, str]:
    """A bare environment with what the bot needs."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error::ResourceWarning",
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_APP_TOKEN": APP_TOKEN,
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SLACK_API_URL": slack.api_url,
        "FITTINGROOM_BOT_MODE": mode,
        "FITTINGROOM_BOT_PORT": str(port),
        "FITTINGROOM_DATABASE_URL": "sqlite://",
        **more,
    }


def free_port() -> int:
    """A port nobody listens on now, below those that the kernel gives to outgoing connections in between."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class BotProcess:
    """One running bot; `output` is all it has written so far."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.output = ""
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while chunk := await self.process.stdout.read(65536):
            self.output += chunk.decode(errors="replace")

    async def ready(self) -> None:
        """Wait until Slack reaches the bot."""
        async with httpx.AsyncClient() as client, asyncio.timeout(START_SECONDS):
            while True:
                if self.process.returncode is not None:
                    raise AssertionError(f"the bot ended with {self.process.returncode}:\n{self.output}")
                try:
                    if (await client.get(f"{self.url}/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)

    async def metrics_page(self) -> str:
        """The bot's /metrics."""
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{self.url}/metrics")).text

    async def metric(self, pattern: str) -> float:
        """The sum of the samples whose line matches; 0 when there is none."""
        lines = [line for line in (await self.metrics_page()).splitlines() if re.match(pattern, line)]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    async def says(self, text: str, seconds: float = 40.0) -> None:
        """Wait until the log holds `text`."""
        try:
            async with asyncio.timeout(seconds):
                while text not in self.output:  # noqa: ASYNC110  a pipe rings no bell
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"the bot never said {text!r}:\n{self.output}") from None

    async def stop(self) -> int:
        """SIGTERM, then the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(40):
                code = await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
            raise AssertionError(f"the bot did not stop:\n{self.output}") from None
        await self._reader
        return code


@asynccontextmanager
async def running_bot(slack: FakeSlack, mode: str, **more: str) -> AsyncIterator[BotProcess]:
    """A bot that Slack reaches; afterwards it must have stopped cleanly and told no secret."""
    port = free_port()
    if mode == "http":
        slack.deliver_to(f"http://127.0.0.1:{port}/slack/events")
    bot = await start(environment(slack, mode, port, **more), port)
    try:
        await bot.ready()
        yield bot
    finally:
        code = await bot.stop()
    assert code == 0, bot.output
    for secret in SECRETS:
        assert secret not in bot.output


async def start(variables: Mapping[str, str], port: int, *arguments: str) -> BotProcess:
    """Start `python -m bot` with exactly this environment."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        env=dict(variables),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    return BotProcess(process, port)
