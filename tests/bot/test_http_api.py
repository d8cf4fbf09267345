"""The plan over HTTP for scripts: the same JSON as the terminal's, for those who know the token."""

import asyncio
import json
import subprocess
import sys

import httpx

from tests.bot.bot_process import ROOT, running_bot
from tests.fakes.slack_server import FakeSlack

TOKEN = "scripts-know-this"
QUESTION = "can Mixtral 8x22B run on A100 40GB?"


async def ask(url: str, question: str, token: str = TOKEN) -> httpx.Response:
    async with httpx.AsyncClient(timeout=30) as client:
        return await client.get(
            f"{url}/api/v1/fit", params={"q": question}, headers={"Authorization": f"Bearer {token}"}
        )


async def test_it_answers_as_the_terminal_does() -> None:
    async with FakeSlack() as slack, running_bot(slack, "socket", FITTINGROOM_API_TOKEN=TOKEN) as bot:
        answer = await ask(bot.url, QUESTION)
        assert answer.status_code == 200
        line = [sys.executable, "-m", "bot.terminal", "ask", QUESTION, "--json"]
        printed = await asyncio.to_thread(subprocess.check_output, line, cwd=ROOT)
        assert answer.json() == json.loads(printed)
        assert answer.json()["answer"] == "no"


async def test_what_is_not_understood_is_422_with_a_sentence() -> None:
    async with FakeSlack() as slack, running_bot(slack, "socket", FITTINGROOM_API_TOKEN=TOKEN) as bot:
        answer = await ask(bot.url, "mixtrl 9x22b on A100 40GB")
        assert answer.status_code == 422
        assert "I don't know the model 'mixtrl 9x22b'" in answer.json()["error"]
        assert "Mixtral 8x22B" in answer.json()["suggestions"]


async def test_it_needs_the_token_and_describes_itself() -> None:
    async with FakeSlack() as slack, running_bot(slack, "socket", FITTINGROOM_API_TOKEN=TOKEN) as bot:
        assert (await ask(bot.url, QUESTION, token="guess")).status_code == 401
        async with httpx.AsyncClient() as client:
            described = (await client.get(f"{bot.url}/api/v1/openapi.json")).json()
        assert list(described["paths"]) == ["/api/v1/fit"]
        assert TOKEN not in bot.output


async def test_it_is_off_without_a_token() -> None:
    async with FakeSlack() as slack, running_bot(slack, "socket") as bot:
        assert (await ask(bot.url, QUESTION)).status_code == 404
