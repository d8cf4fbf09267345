"""A running bot over a loopback Slack, once per module and per transport."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.bot.bot_process import BotProcess, running_bot
from tests.fakes.slack_server import FakeSlack

World = tuple[FakeSlack, BotProcess]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["socket", "http"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """The bot in one of its two modes, without a live fleet."""
    async with FakeSlack() as slack, running_bot(slack, request.param) as bot:
        yield slack, bot
        assert slack.workspace.refused == [], "Slack would have refused something"
