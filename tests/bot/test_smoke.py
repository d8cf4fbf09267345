"""`--smoke CHANNEL` posts one of everything and reports honestly what Slack took."""

from tests.bot.bot_process import BotProcess, environment, free_port, start
from tests.fakes.slack_server import FakeSlack


async def smoked(slack: FakeSlack, channel: str = "C1") -> tuple[int, str]:
    port = free_port()
    bot: BotProcess = await start(environment(slack, "socket", port), port, "--smoke", channel)
    code = await bot.process.wait()
    await bot.stop()
    return code, bot.output


async def test_everything_is_posted_and_taken() -> None:
    async with FakeSlack() as slack:
        code, report = await smoked(slack)
        assert code == 0, report
        assert report.count(" taken\n") == len(slack.workspace.messages) - 1 == 7
        assert "found by its metadata" in report
        assert slack.workspace.refused == []


async def test_what_slack_takes_only_with_older_blocks_is_said_and_counts_as_a_failure() -> None:
    async with FakeSlack() as slack:
        slack.fail_next("chat.postMessage", 200, body='{"ok":false,"error":"invalid_blocks"}')
        code, report = await smoked(slack)
        assert code == 1
        assert "taken, but only with older blocks" in report


async def test_a_channel_that_is_not_there_is_refused_line_by_line() -> None:
    async with FakeSlack() as slack:
        code, report = await smoked(slack, "C404")
        assert code == 1
        assert report.count("REFUSED: channel_not_found") == 8
