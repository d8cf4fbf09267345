"""Slack away, slow, full or picky: the bot stays up, tries again, says so, and an answer comes."""

import asyncio
import re

import pytest

from tests.bot.bot_process import SECRETS, environment, free_port, running_bot, start
from tests.bot.conftest import World
from tests.bot.test_conversation import QUESTION, new_user
from tests.fakes.slack_server import FakeSlack, all_text

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_told_to_wait_at_a_response_url_it_waits_as_long_and_says_so(world: World) -> None:
    slack, bot = world
    before = await bot.metric(r'fittingroom_bot_slack_rate_limited_total{method="response_url"}')
    slack.fail_next("response_url", 429, retry_after="1")
    started = asyncio.get_running_loop().time()
    await slack.ask(f"/fit {QUESTION}", user=new_user(world))
    assert asyncio.get_running_loop().time() - started >= 1
    await bot.says("Slack told us to wait 1 s at a response URL")
    assert await bot.metric(r'fittingroom_bot_slack_rate_limited_total{method="response_url"}') == before + 1


async def test_told_to_wait_by_the_web_api_it_waits_as_long_and_says_so(world: World) -> None:
    slack, bot = world
    before = len(slack.workspace.visible(channel="D1"))
    slack.fail_next("chat.postMessage", 429, body='{"ok":false,"error":"ratelimited"}', retry_after="1")
    await slack.dm(QUESTION)
    await slack.answer(channel="D1", after=before)
    await bot.says("Slack told us to wait 1 s before chat.postMessage")
    assert await bot.metric(r'fittingroom_bot_slack_rate_limited_total{method="chat.postMessage"}') >= 1


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_an_error_of_slacks_own_server_is_tried_again(world: World, status: int) -> None:
    slack, bot = world
    slack.fail_next("response_url", status, times=2)
    answer = await slack.ask(f"/fit {QUESTION}", user=new_user(world))
    assert "Llama 3.1 8B" in answer.text
    await bot.says(f"Slack answered {status} at a response URL; trying again")


async def test_blocks_that_slack_refuses_are_sent_again_without_the_newest_kinds(world: World) -> None:
    slack, bot = world
    slack.fail_next("response_url", 400, body="invalid_blocks")
    answer = await slack.ask(f"/fit {QUESTION}", user=new_user(world))
    kinds = [block["type"] for block in answer.blocks]
    assert "table" not in kinds
    assert kinds[0] == "header"
    await bot.says("Slack refused the blocks of a message (invalid_blocks)")


async def test_a_workspace_without_charts_gets_words_and_is_asked_only_once() -> None:
    async with FakeSlack() as slack, running_bot(slack, "socket") as bot:
        slack.workspace.without_blocks = {"data_visualization"}
        for number in range(2):
            answer = await slack.ask(f"/fit {QUESTION}", user=f"U{number + 1}")
            kinds = [block["type"] for block in answer.blocks]
            assert "data_visualization" not in kinds
            assert "weights" in all_text(answer.blocks)
        assert "table" in kinds, "the second answer lacks only what this workspace has not"
        assert bot.output.count("Slack refused the blocks of a message") == 1


async def test_when_every_block_is_refused_the_words_still_arrive(world: World) -> None:
    slack, _ = world
    slack.fail_next("response_url", 400, body="invalid_blocks", times=2)
    answer = await slack.ask(f"/fit {QUESTION}", user=new_user(world))
    assert answer.blocks == []
    assert answer.text.startswith("✅ Yes: Llama 3.1 8B")


async def test_an_answer_that_cannot_be_posted_is_an_incident_in_the_log_and_the_bot_goes_on(
    world: World,
) -> None:
    slack, bot = world
    user = new_user(world)
    slack.fail_next("response_url", 404, body="no_team", times=2)
    await slack.command(f"/fit {QUESTION}", user=user)
    await bot.says("could not be told to its asker")
    incident = re.findall(r"incident ([0-9a-f]{8}) in a command turn", bot.output)[-1]
    assert f"incident {incident} could not be told" in bot.output
    assert "Llama 3.1 8B" in (await slack.ask(f"/fit {QUESTION}", user=user)).text


async def test_an_answer_whose_response_url_is_used_up_comes_as_a_direct_message(world: World) -> None:
    slack, _ = world
    before = len(slack.workspace.visible(channel="D1"))
    slack.fail_next("response_url", 404, body='{"ok":false,"error":"expired_url"}')
    await slack.command(f"/fit {QUESTION}")
    assert "Llama 3.1 8B" in (await slack.answer(channel="D1", after=before)).text


async def test_a_failure_of_ours_is_told_with_an_id_that_is_in_the_log(world: World) -> None:
    slack, bot = world
    before = len(slack.workspace.visible(channel="D1"))
    slack.fail_next("chat.postMessage", 200, body='{"ok":false,"error":"restricted_action"}')
    await slack.dm(QUESTION)
    told = await slack.answer(channel="D1", after=before)
    incident = re.findall(r"incident ([0-9a-f]{8})", told.text)[0]
    assert f"incident {incident} in a message turn" in bot.output
    assert "Traceback" not in told.text


async def test_a_forged_or_old_request_is_refused() -> None:
    async with FakeSlack() as slack, running_bot(slack, "http"):
        assert slack.http is not None
        form = "application/x-www-form-urlencoded"
        body = "command=%2Ffit&text=help&user_id=U1"
        assert (await slack.http.post(body, form, secret="0" * 32))[0] == 401
        assert (await slack.http.post(body, form, age_seconds=600))[0] == 401
        assert slack.workspace.messages == []


async def test_the_socket_is_renewed_when_slack_asks_and_reopened_when_it_breaks() -> None:
    async with FakeSlack() as slack, running_bot(slack, "socket") as bot:
        await slack.socket.refresh()
        assert "Llama 3.1 8B" in (await slack.ask(f"/fit {QUESTION}")).text
        count = slack.socket.connections
        await slack.socket.cut()
        await slack.workspace.until(lambda: slack.socket.connections > count, seconds=30, what="a new socket")
        assert "Llama 3.1 8B" in (await slack.ask(f"/fit {QUESTION}", user="U2")).text
        assert await bot.metric("fittingroom_bot_slack_connected") == 1
        assert slack.socket.malformed == []


async def test_a_slack_that_is_away_at_the_start_is_waited_for() -> None:
    async with FakeSlack() as slack:
        slack.fail_next("auth.test", 503, times=4)
        async with running_bot(slack, "socket") as bot:
            assert "Slack cannot be reached" in bot.output
            assert "Llama 3.1 8B" in (await slack.ask(f"/fit {QUESTION}")).text


async def test_a_token_that_slack_does_not_accept_is_one_sentence_and_exit_code_2() -> None:
    async with FakeSlack() as slack:
        port = free_port()
        wrong = {"SLACK_BOT_TOKEN": "xoxb-wrong-token"}
        bot = await start(environment(slack, "socket", port) | wrong, port)
        await bot.process.wait()
        assert await bot.stop() == 2
        assert bot.output.splitlines()[-1] == (
            "fittingroom bot: Slack does not accept SLACK_BOT_TOKEN (invalid_auth)."
        )
        assert "xoxb-wrong-token" not in bot.output


async def test_no_secret_is_in_the_log_at_its_most_talkative_even_when_things_fail() -> None:
    async with FakeSlack() as slack, running_bot(slack, "socket", FITTINGROOM_LOG_LEVEL="debug") as bot:
        slack.fail_next("response_url", 404, body="no_team", times=2)
        await slack.command(f"/fit {QUESTION}")
        await bot.says("could not be told")
        await slack.socket.refresh()
        await slack.ask("/fit help")
        page = await bot.metrics_page()
        for secret in (*SECRETS, "ticket-", "/commands/T1/"):
            assert secret not in bot.output
            assert secret not in page
