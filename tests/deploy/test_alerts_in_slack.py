"""Every alert on its whole way: a real Prometheus in which it fires, a real Alertmanager, the bot, Slack.

Each alert's first firing case (`alerts/*.yaml`, the same that promtool proves) is written into Prometheus' storage as
its past, in a cluster of its own. The rules are the files' own, without their patience.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.bot.bot_process import running_bot
from tests.deploy.alert_history import Case, write_history
from tests.deploy.live import Prometheus, alertmanager, exporter, free_port, prometheus
from tests.deploy.test_alert_delivery import TOKEN, our_configuration
from tests.deploy.test_alerts import ALERTS, RULE_FILES, cases, fires
from tests.fakes.slack.workspace import Posted
from tests.fakes.slack_server import FakeSlack, all_text

GOLDEN = Path(__file__).parents[1] / "golden" / "alerts_in_slack.txt"
CASES = {
    name: Case(alert=name, number=number, document=next(case for case in cases(name) if fires(case)))
    for number, name in enumerate(sorted(ALERTS), start=1)
}
SHOWN = {"critical": "🔴 Critical", "warning": "🟠 Warning", "info": "🔵 Note"}
RAW_DATA = '{cluster=~"of-.+",__name__!~"ALERTS.*"}'


IDLE = """
node = "gpu-x"
[[gpus]]
name = "NVIDIA A100-SXM4-40GB"
total_mib = 40960
"""


@dataclass(frozen=True, kw_only=True)
class Story:
    """What the channel showed while everything was in trouble, and what the same messages show once all is well."""

    in_trouble: dict[str, str]
    after: dict[str, str]
    other: list[str]
    posted: int
    alerts: list[dict[str, Any]]


def everything_to_slack(folder: Path, port: int) -> dict[str, Any]:
    """Our configuration, as a site would change it that wants the notes in Slack too."""
    config = our_configuration(folder, port)
    config["route"]["routes"] = []
    config["route"]["group_wait"] = "10s"  # so that a critical alert is there to silence its warning
    return config


def told_of(case: Case, messages: list[Posted]) -> Posted | None:
    """The message about this case: its last line names the alert, its place the cluster."""
    cluster = f"cluster {case.cluster}"
    for message in messages:
        words = all_text(message.blocks)
        if f"{case.alert}, since" in words and (cluster in words or "cluster" not in words):
            return message
    return None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    folder = tmp_path_factory.mktemp("slack")
    await asyncio.to_thread(write_history, folder / "prometheus/data", list(CASES.values()), RULE_FILES)
    prometheus_port, exporter_port = free_port(), free_port()
    async with (
        FakeSlack() as slack,
        running_bot(
            slack, "socket", FITTINGROOM_ALERTS_TOKEN=TOKEN, FITTINGROOM_ALERTS_CHANNEL="C1",
            PROMETHEUS_URL=f"http://127.0.0.1:{prometheus_port}", FITTINGROOM_HUB="off",
        ) as bot,
    ):  # fmt: skip
        config = everything_to_slack(folder, int(bot.url.rpartition(":")[2]))
        with (
            alertmanager(folder / "alertmanager", config) as am_port,
            prometheus(
                folder / "prometheus", {"exporters": {"gpu-x": exporter_port}}, RULE_FILES, am_port,
                port=prometheus_port, options=("--web.enable-admin-api", "--rules.alert.resend-delay=3s"),
            ) as running,
        ):  # fmt: skip
            yield await _story(slack, folder, am_port, running, exporter_port)
        assert slack.workspace.refused == []


async def _story(
    slack: FakeSlack, folder: Path, am_port: int, running: Prometheus, exporter_port: int
) -> Story:
    seen, until = slack.workspace.messages, slack.workspace.until
    await until(
        lambda: all(told_of(case, seen) for case in CASES.values()), seconds=90, what="every alert in Slack"
    )
    messages = {name: told_of(case, seen) for name, case in CASES.items()}
    in_trouble = {name: all_text(message.blocks) for name, message in messages.items() if message}
    async with httpx.AsyncClient(timeout=20) as client:
        alerts = (await client.get(f"http://127.0.0.1:{am_port}/api/v2/alerts")).json()
        # Prometheus forgets what the cases had put in: every expression is false from now on.
        forget = {"match[]": RAW_DATA}
        (
            await client.post(f"{running.url}/api/v1/admin/tsdb/delete_series", params=forget)
        ).raise_for_status()
    with exporter(folder, "gpu-x", IDLE, port=exporter_port):
        await until(lambda: all("Resolved" in one.text for one in seen), seconds=90, what="every all-clear")
    return Story(
        in_trouble=in_trouble,
        after={name: all_text(message.blocks) for name, message in messages.items() if message},
        other=[all_text(one.blocks) for one in seen if one not in messages.values()],
        posted=len(seen),
        alerts=alerts,
    )


def raised(story: Story, case: Case) -> dict[str, Any]:
    """The alert as Alertmanager holds it."""
    wanted = case.labels()
    (one,) = [
        alert
        for alert in story.alerts
        if wanted.items() <= alert["labels"].items()
        and alert["labels"].get("cluster", case.cluster) == case.cluster
    ]
    return one


def lasting(words: str) -> str:
    """A message without what differs from day to day: times, the trend, and where there is room."""
    kept = [
        line for line in words.splitlines()
        if not re.search(r"[▁▂▃▄▅▆▇█]|of its limit in the last hour|there is room now", line)
    ]  # fmt: skip
    return re.sub(r"\d+ \w+ \d\d:\d\d UTC|after \d+ min", "…", "\n".join(kept))


def test_every_alert_says_in_slack_what_the_golden_file_says(story: Story) -> None:
    text = "\n\n".join(
        f"{lasting(shown)}\n{lasting(story.after[name])}" for name, shown in story.in_trouble.items()
    )
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text + "\n", encoding="utf-8")

    assert text + "\n" == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_alert_reaches_slack_with_its_own_words(case: Case, story: Story) -> None:
    alert, shown = raised(story, case), story.in_trouble[case.alert]
    unquoted = alert["annotations"]["action"].replace("`", "")

    assert shown.startswith(f"{SHOWN[alert['labels']['severity']]}: {alert['annotations']['summary'][:100]}")
    assert alert["annotations"]["description"] in shown
    assert unquoted in shown
    assert alert["annotations"]["runbook_url"] in shown
    assert "{{" not in shown
    assert "<no value>" not in shown


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_its_end_is_told_in_the_same_message(case: Case, story: Story) -> None:
    summary = raised(story, case)["annotations"]["summary"]

    assert story.after[case.alert].startswith(f"✅ Resolved: {summary[:100]}")


@pytest.mark.parametrize("name", ["FittingroomModelNearLimit", "FittingroomLimitWithinHour"])
def test_a_models_alert_shows_how_it_came_to_that(name: str, story: Story) -> None:
    """The bot asks the same Prometheus for the last hour."""
    assert re.search(r"[▁▂▃▄▅▆▇█]+\n \d+% → 9\d% of its limit in the last hour", story.in_trouble[name])


def test_a_warning_that_its_critical_alert_already_says_is_not_sent(story: Story) -> None:
    """The one message more than alerts is the warning of the model that reaches its limit within the hour."""
    (other,) = story.other

    assert "is near its VRAM limit" in other
    assert "of-FittingroomLimitWithinHour" in other
    assert story.posted == len(ALERTS) + 1
    silenced = [one for one in story.alerts if one["status"]["inhibitedBy"]]
    assert {one["labels"]["cluster"] for one in silenced} >= {"of-FittingroomModelAtLimit"}
