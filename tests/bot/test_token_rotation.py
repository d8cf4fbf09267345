"""Tokens that end, as Slack's token rotation makes them, and apps installed for a whole organisation."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from slack_sdk.oauth.installation_store.models.bot import Bot
from slack_sdk.oauth.token_rotation.async_rotator import AsyncTokenRotator
from slack_sdk.web.async_client import AsyncWebClient

from bot.database import open_database
from bot.workspaces.installations import Installations
from bot.workspaces.renewal import Renewal
from bot.workspaces.sealing import Seal
from tests.bot.fleet_world import exporters
from tests.bot.test_watching import FREE, FULL, QUICK
from tests.bot.test_workspaces import KEY, QUESTION, bot_of_many, install, stored
from tests.fakes.slack.workspace import CLIENT_ID, CLIENT_SECRET
from tests.fakes.slack_server import FakeSlack

HOUR, DAY_HALF = 3600.0, 43_200.0


def exchanges(slack: FakeSlack) -> list[bool]:
    """Every time the bot asked for the next token, and whether it got one."""
    asked = [one for one in slack.workspace.calls if one.arguments.get("grant_type") == "refresh_token"]
    return [bool(one.answer["ok"]) for one in asked]


async def answered(slack: FakeSlack, channel: str, user: str, team: str) -> str:
    """Ask in a direct message, which is answered with the token; the words of the answer."""
    before = len(slack.workspace.visible(channel=channel, user=user))
    await slack.dm(QUESTION, user=user, channel=channel, team=team)
    return (await slack.answer(user=user, channel=channel, after=before, seconds=30)).text


async def test_a_token_that_ends_within_two_hours_is_renewed_once_however_many_ask(tmp_path: Path) -> None:
    async with FakeSlack() as slack, bot_of_many(slack, tmp_path) as bot:
        slack.workspace.token_lives = [HOUR, DAY_HALF]
        await install(slack, bot, "T2")
        for number in range(8):
            slack.workspace.add_channel(f"D2{number}", "T2", f"U{number}")
        said = await asyncio.gather(
            *(answered(slack, f"D2{number}", f"U{number}", "T2") for number in range(8))
        )
        assert all("Llama 3.1 8B" in text for text in said)
        assert exchanges(slack) == [True]
        newest = list(slack.workspace.tokens)[-1]
        assert newest.startswith("xoxe.xoxb-")
        kept, page = stored(tmp_path), await bot.metrics_page()
        for token in (*slack.workspace.tokens, *slack.workspace.refresh_tokens):
            assert token.encode() not in kept
            assert token not in page


async def test_a_token_that_has_ended_is_renewed_before_it_is_used(tmp_path: Path) -> None:
    async with FakeSlack() as slack:
        slack.workspace.token_lives = [0.5, DAY_HALF]
        async with bot_of_many(slack, tmp_path) as bot:
            await install(slack, bot, "T2")
            await asyncio.sleep(0.6)
            slack.workspace.add_channel("D2", "T2", "U7")
            assert "Llama 3.1 8B" in await answered(slack, "D2", "U7", "T2")
            assert "Llama" in (await slack.ask_in(f"/fit {QUESTION}", "T2", user="U8")).text
        assert exchanges(slack) == [True]
        assert not [one for one in slack.workspace.calls if one.answer.get("error") == "token_expired"]


async def test_after_a_restart_the_renewed_token_is_used_and_renewed_again(tmp_path: Path) -> None:
    async with FakeSlack() as slack:
        slack.workspace.token_lives = [HOUR, HOUR, DAY_HALF]
        slack.workspace.add_channel("D2", "T2", "U7")
        async with bot_of_many(slack, tmp_path) as bot:
            await install(slack, bot, "T2")
            await answered(slack, "D2", "U7", "T2")
        async with bot_of_many(slack, tmp_path):
            await slack.workspace.until(lambda: len(exchanges(slack)) == 2, what="the renewal at the start")
            assert "Llama" in await answered(slack, "D2", "U7", "T2")
        assert exchanges(slack) == [True, True]


async def test_where_slack_renews_nothing_the_old_token_serves_to_its_end_and_then_it_is_said(
    tmp_path: Path,
) -> None:
    async with FakeSlack() as slack, bot_of_many(slack, tmp_path) as bot:
        slack.workspace.token_lives = [3.0]
        await install(slack, bot, "T2")
        slack.workspace.refresh_tokens.clear()
        slack.workspace.add_channel("D2", "T2", "U7")
        assert "Llama" in await answered(slack, "D2", "U7", "T2")
        await bot.says("did not renew the token of workspace T2 (invalid_refresh_token)")
        await asyncio.sleep(3)
        assert "has not installed" in (await slack.ask_in(f"/fit {QUESTION}", "T2", user="U8")).text


def replica(slack: FakeSlack, folder: Path) -> Installations:
    """The store as one of several bots has it, over one database."""
    client = AsyncWebClient(base_url=slack.api_url)
    rotator = AsyncTokenRotator(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, client=client)
    engine = open_database(f"sqlite:///{folder}/bot.sqlite")
    return Installations(engine, Seal(KEY), ThreadPoolExecutor(1), Renewal(rotator))


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")  # the SDK's own
async def test_of_replicas_that_renew_at_once_none_is_left_without_a_token(tmp_path: Path) -> None:
    """A refresh token is good once: whoever comes second takes what the first has kept."""
    async with FakeSlack() as slack:
        first, second = replica(slack, tmp_path), replica(slack, tmp_path)
        slack.workspace.refresh_tokens["xoxe-1-first"] = "T2"
        slack.workspace.token_lives = [DAY_HALF]
        bot = Bot(
            team_id="T2", bot_token="xoxe.xoxb-old", bot_id="B1", bot_user_id="U1", bot_scopes=["commands"],
            bot_refresh_token="xoxe-1-first", bot_token_expires_in=3600, installed_at=1_800_000_000.0,
        )  # fmt: skip
        await first.async_save_bot(bot)
        assert await second.bot_of("T2")  # it remembers the old one for half a minute
        found = await asyncio.gather(*(store.fresh("T2") for store in (first, second) * 4))
        tokens = {one.bot_token for one in found if one}
        assert exchanges(slack).count(True) == 1
        assert None not in found
        assert tokens <= {"xoxe.xoxb-old", list(slack.workspace.tokens)[-1]}
        later = [await store.fresh("T2") for store in (first, second)]
        assert {one.bot_token for one in later if one} == {list(slack.workspace.tokens)[-1]}


async def test_one_installation_serves_every_workspace_of_an_organisation(tmp_path: Path) -> None:
    async with exporters(FULL) as nodes, FakeSlack() as slack:
        slack.workspace.orgs = {"T7": "E1", "T8": "E1"}
        slack.workspace.token_lives = [HOUR, DAY_HALF]
        slack.workspace.add_channel("D7", "T7", "U7")
        slack.workspace.add_channel("D8", "T8", "U8")
        more = QUICK | {"FITTINGROOM_EXPORTER_URLS": nodes[0].url}
        async with bot_of_many(slack, tmp_path, **more) as bot:
            assert (await install(slack, bot, "E1")).status_code == 200
            for team, user, channel in (("T7", "U7", "D7"), ("T8", "U8", "D8")):
                answer = await slack.ask_in(f"/fit {QUESTION}", team, user=user)
                assert "Llama 3.1 8B" in answer.text
                await slack.click(answer, "Details", user=user, team=team)
                await slack.changed(answer, 1)
                assert "Llama 3.1 8B" in await answered(slack, channel, user, team)
                await slack.event({"type": "app_home_opened", "tab": "home", "user": user}, team=team)
            await slack.workspace.until(lambda: len(slack.workspace.homes) == 2, what="the home tabs")
            assert exchanges(slack) == [True]
            stranger = await slack.ask_in(f"/fit {QUESTION}", "T9", user="U9")
            assert "has not installed" in stranger.text
            ask = "/fit watch llama 3.1 8b fp8 on A100 40GB with vllm"
            assert "I will write to you" in (await slack.ask_in(ask, "T8", user="U8")).text
            nodes[0].report = FREE
            await slack.workspace.until(
                lambda: any("There is room" in one.text for one in slack.workspace.visible(channel="D8")),
                seconds=30,
                what="the watch",
            )
            await slack.event({"type": "app_uninstalled"}, team="T7")
            assert "has not installed" in (await slack.ask_in(f"/fit {QUESTION}", "T8", user="U8")).text


@pytest.mark.parametrize("team", ["T7", "E1"])
async def test_a_workspace_of_its_own_and_its_organisation_are_told_apart(tmp_path: Path, team: str) -> None:
    async with FakeSlack() as slack, bot_of_many(slack, tmp_path) as bot:
        slack.workspace.orgs = {"T7": "E1"} if team == "E1" else {}
        await install(slack, bot, team)
        assert "Llama" in (await slack.ask_in(f"/fit {QUESTION}", "T7", user="U7")).text
        slack.workspace.orgs = {} if team == "E1" else {"T7": "E1"}
        assert "has not installed" in (await slack.ask_in(f"/fit {QUESTION}", "T7", user="U6")).text
