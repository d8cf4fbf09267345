"""Alerts on their way into Slack: from a real Alertmanager, with our configuration, through the bot as its process."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.alerts import Route, channel_for, routes_of
from tests.bot.bot_process import BotProcess, environment, free_port, running_bot, start
from tests.bot.fleet_world import exporters, gpu, node
from tests.deploy.live import alertmanager
from tests.deploy.test_alert_delivery import our_configuration
from tests.fakes.block_kit import pings
from tests.fakes.slack.workspace import BOT_USER
from tests.fakes.slack_server import FakeSlack, all_text

TOKEN = "only-alertmanager-knows"
SETTINGS = {"FITTINGROOM_ALERTS_TOKEN": TOKEN, "FITTINGROOM_ALERTS_CHANNEL": "C1"}
HERE = node("gpu-1", gpu("0", 1.0))
ELSEWHERE = node("gpu-2", gpu("0", 39.0))


def alert(status: str = "firing", fingerprint: str = "f1", **labels: str) -> dict[str, Any]:
    """An alert as Alertmanager sends it."""
    now = datetime.now(UTC)
    return {
        "status": status,
        "fingerprint": fingerprint,
        "labels": {
            "alertname": "FittingroomModelNearLimit", "severity": "warning", "model": "llama-3.1-8b",
            "quantization": "FP8", "engine": "vllm", "node": "gpu-1", "index": "0", "uuid": HERE.gpus[0].uuid, **labels,
        },
        "annotations": {
            "summary": "llama-3.1-8b FP8 is near its VRAM limit on GPU 0 of gpu-1",
            "description": "It has used 93 % of what it may take.",
            "action": "Lower the context length or quantize the KV cache.",
        },
        "startsAt": (now - timedelta(minutes=12)).isoformat(),
        "endsAt": now.isoformat() if status == "resolved" else "0001-01-01T00:00:00Z",
    }  # fmt: skip


async def deliver(bot: BotProcess, *alerts: dict[str, Any], token: str = TOKEN) -> httpx.Response:
    async with httpx.AsyncClient(timeout=30) as client:
        body = {"version": "4", "status": "firing", "alerts": list(alerts)}
        return await client.post(
            f"{bot.url}/alerts", json=body, headers={"Authorization": f"Bearer {token}".strip()}
        )


async def test_an_alert_says_what_where_and_what_would_help_and_is_updated_until_it_resolves() -> None:
    async with exporters(HERE, ELSEWHERE) as nodes, FakeSlack() as slack:
        urls = ",".join(one.url for one in nodes)
        async with running_bot(slack, "socket", FITTINGROOM_EXPORTER_URLS=urls, **SETTINGS) as bot:
            assert (await deliver(bot, alert())).status_code == 200
            (message,) = slack.workspace.messages
            shown = all_text(message.blocks)
            assert shown.startswith("🟠 Warning: llama-3.1-8b FP8 is near its VRAM limit on GPU 0 of gpu-1")
            assert "Lower the context length" in shown
            assert "gpu-2, GPU 0 (A100 40GB): 39.0 GiB free" in shown
            assert (await deliver(bot, alert())).status_code == 200
            assert (await deliver(bot, alert("resolved"))).status_code == 200
            assert (await deliver(bot, alert("resolved"))).status_code == 200
            assert slack.workspace.messages == [message]
            assert "✅ Resolved" in all_text(message.blocks)
            assert "after 12 min" in all_text(message.blocks)
            await deliver(bot, alert())
            assert len(slack.workspace.messages) == 2, "a new outbreak is a new message"


async def test_two_alertmanagers_that_deliver_at_once_make_one_message() -> None:
    async with FakeSlack() as slack, running_bot(slack, "http", **SETTINGS) as bot:
        slack.workspace.slow_seconds = 0.1
        answers = await asyncio.gather(*(deliver(bot, alert()) for _ in range(6)))
        assert [one.status_code for one in answers] == [200] * 6
        assert len(slack.workspace.messages) == 1


async def killed_over_an_alert(slack: FakeSlack, database: Path, **more: str) -> None:
    """A bot whose message has reached Slack, killed before it hears that it has."""
    port = free_port()
    settings = SETTINGS | {"FITTINGROOM_DATABASE_URL": f"sqlite:///{database}", **more}
    bot = await start(environment(slack, "socket", port, **settings), port)
    await bot.ready()
    slack.workspace.slow_seconds = 5.0
    delivering = asyncio.create_task(deliver(bot, alert()))
    while not slack.workspace.messages:  # noqa: ASYNC110  the bell rings when Slack answers: too late
        await asyncio.sleep(0.02)
    bot.process.kill()
    await bot.stop()
    await asyncio.gather(delivering, return_exceptions=True)
    slack.workspace.slow_seconds = 0.0


async def deliver_until_taken(bot: BotProcess, one: dict[str, Any]) -> None:
    """As Alertmanager does."""
    for _ in range(100):
        if (await deliver(bot, one)).status_code == 200:
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"the bot does not take the alert:\n{bot.output}")


CRASH = {"FITTINGROOM_WATCH_LEASE_SECONDS": "4"}


@pytest.mark.parametrize("status", ["firing", "resolved"])
async def test_a_bot_killed_after_its_alert_has_left_does_not_tell_it_again(
    status: str, tmp_path: Path
) -> None:
    database = tmp_path / "bot.sqlite"
    async with FakeSlack() as slack:
        await killed_over_an_alert(slack, database, **CRASH)
        again = SETTINGS | CRASH | {"FITTINGROOM_DATABASE_URL": f"sqlite:///{database}"}
        async with running_bot(slack, "socket", **again) as bot:
            await deliver_until_taken(bot, alert(status))
            (message,) = slack.workspace.messages
            assert message.versions == 2, "the message that had left is brought up to date"
            assert ("Resolved" in message.text) is (status == "resolved")


async def test_where_the_channel_cannot_be_read_an_alert_is_rather_told_twice_than_never(
    tmp_path: Path,
) -> None:
    database = tmp_path / "bot.sqlite"
    async with FakeSlack() as slack:
        await killed_over_an_alert(slack, database, **CRASH)
        again = SETTINGS | CRASH | {"FITTINGROOM_DATABASE_URL": f"sqlite:///{database}"}
        slack.fail_next("conversations.history", 200, body='{"ok":false,"error":"missing_scope"}')
        async with running_bot(slack, "socket", **again) as bot:
            await deliver_until_taken(bot, alert())
            assert len(slack.workspace.messages) == 2
            assert "an alert may be told twice: its channel cannot be read (missing_scope)" in bot.output


async def test_callers_without_the_token_are_turned_away() -> None:
    async with FakeSlack() as slack, running_bot(slack, "socket", **SETTINGS) as bot:
        assert (await deliver(bot, alert(), token="guess")).status_code == 401
        assert (await deliver(bot, alert(), token="")).status_code == 401
        assert slack.workspace.messages == []


async def test_what_slack_does_not_take_is_asked_for_again() -> None:
    async with FakeSlack() as slack, running_bot(slack, "socket", **SETTINGS) as bot:
        slack.fail_next("chat.postMessage", 200, body='{"ok":false,"error":"channel_not_found"}')
        assert (await deliver(bot, alert())).status_code == 503
        assert (await deliver(bot, alert())).status_code == 200
        assert len(slack.workspace.messages) == 1


async def test_alerts_go_to_the_channel_of_the_first_route_that_matches() -> None:
    async with FakeSlack() as slack:
        slack.workspace.members["COPS"] = {BOT_USER}
        routes = {"FITTINGROOM_ALERTS_ROUTES": "severity=critical:COPS, node=gpu-1:C1"}
        async with running_bot(slack, "socket", **SETTINGS | routes) as bot:
            await deliver(bot, alert(fingerprint="a", severity="critical"), alert(fingerprint="b"))
            assert sorted(one.channel for one in slack.workspace.messages) == ["C1", "COPS"]


async def test_an_alert_from_a_hostile_exporter_pings_nobody() -> None:
    async with FakeSlack() as slack, running_bot(slack, "socket", **SETTINGS) as bot:
        bad = alert(model="<!channel>", node="<@U1>")
        bad["annotations"] = {
            "summary": "<!here> *x*",
            "description": "<!everyone>" * 90,
            "action": "<http://x|y>",
        }
        assert (await deliver(bot, bad)).status_code == 200
        (message,) = slack.workspace.messages
        assert pings(message.blocks) == []
        assert pings(message.text) == []


@pytest.mark.parametrize("body", ["", "[]", '{"alerts": [{"status": "odd"}]}', '{"alerts": 7}', "x" * 100])
async def test_what_is_no_delivery_is_refused_with_a_reason(body: str) -> None:
    async with (
        FakeSlack() as slack,
        running_bot(slack, "socket", **SETTINGS) as bot,
        httpx.AsyncClient() as client,
    ):
        answer = await client.post(
            f"{bot.url}/alerts", content=body, headers={"Authorization": f"Bearer {TOKEN}"}
        )
        assert answer.status_code == 400
        assert "not a delivery of Alertmanager" in answer.json()["error"]


async def test_without_its_token_the_receiver_is_not_there() -> None:
    async with FakeSlack() as slack, running_bot(slack, "socket") as bot:
        assert (await deliver(bot, alert())).status_code == 404


async def test_a_real_alertmanager_with_our_configuration_reaches_slack(tmp_path: Path) -> None:
    async with FakeSlack() as slack, running_bot(slack, "socket", **SETTINGS) as bot:
        port = int(bot.url.rpartition(":")[2])
        with alertmanager(tmp_path / "am", our_configuration(tmp_path, port)) as am_port:
            sent = alert()
            now = datetime.now(UTC)
            body = [
                {"labels": sent["labels"], "annotations": sent["annotations"], "startsAt": now.isoformat()}
            ]
            async with httpx.AsyncClient() as client:
                await client.post(f"http://127.0.0.1:{am_port}/api/v2/alerts", json=body)
                await slack.workspace.until(lambda: slack.workspace.messages, seconds=30, what="the alert")
                body[0]["endsAt"] = (now + timedelta(seconds=1)).isoformat()
                await asyncio.sleep(1.1)
                await client.post(f"http://127.0.0.1:{am_port}/api/v2/alerts", json=body)
            (message,) = slack.workspace.messages
            await slack.workspace.until(lambda: "Resolved" in message.text, seconds=30, what="the all-clear")


def test_routes_are_read_as_written() -> None:
    assert routes_of("severity=critical:C1, ns=a=b:C2") == (
        Route(label="severity", value="critical", channel="C1"),
        Route(label="ns", value="a=b", channel="C2"),
    )
    assert channel_for({"ns": "x"}, routes_of("ns=x:C2"), "C9") == "C2"
    assert channel_for({}, routes_of("ns=x:C2"), "C9") == "C9"


@pytest.mark.parametrize("text", ["severity", "severity=critical", "=x:C1", "a=:C1", "a=b:"])
def test_what_is_no_route_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is not a route"):
        routes_of(text)
