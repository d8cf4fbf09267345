"""Several workspaces install the app: each is answered with its own token, which no one finds in the clear."""

import re
import sqlite3
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml
from cryptography.fernet import Fernet
from slack_sdk.oauth.installation_store.models.bot import Bot

from bot.database import open_database
from bot.workspaces.installations import Installations, workspace_key
from bot.workspaces.oauth import SCOPES
from bot.workspaces.sealing import CannotOpen, Seal
from bot.workspaces.states import OAuthStates
from tests.bot.bot_process import ROOT, BotProcess, environment, free_port, running_bot, start
from tests.bot.fleet_world import exporters
from tests.bot.test_watching import FREE, FULL, QUICK
from tests.fakes.slack.workspace import CLIENT_ID, CLIENT_SECRET
from tests.fakes.slack_server import FakeSlack

KEY, OLD_KEY = Fernet.generate_key().decode(), Fernet.generate_key().decode()
QUESTION = "llama 3.1 8b on 4090"
OAUTH = {
    "SLACK_BOT_TOKEN": "", "SLACK_APP_TOKEN": "", "SLACK_CLIENT_ID": CLIENT_ID, "SLACK_CLIENT_SECRET": CLIENT_SECRET,
    "FITTINGROOM_TOKEN_KEYS": KEY,
}  # fmt: skip


@asynccontextmanager
async def bot_of_many(slack: FakeSlack, folder: Path, **more: str) -> AsyncIterator[BotProcess]:
    settings = OAUTH | {"FITTINGROOM_DATABASE_URL": f"sqlite:///{folder}/bot.sqlite"} | more
    async with running_bot(slack, "http", **settings) as bot:
        yield bot
    for token in (*slack.workspace.tokens, *slack.workspace.refresh_tokens, CLIENT_SECRET, KEY):
        assert token not in bot.output


async def install(slack: FakeSlack, bot: BotProcess, team: str, *, cookie: bool = True) -> httpx.Response:
    """Press "Add to Slack", agree there, and come back."""
    async with httpx.AsyncClient(base_url=bot.url) as browser:
        page = await browser.get("/slack/install")
        (address,) = re.findall(r'href="(https://slack\.com/oauth/[^"]+)"', page.text)
        asked = parse_qs(urlsplit(address.replace("&amp;", "&")).query)
        assert asked["client_id"] == [CLIENT_ID]
        assert set(asked["scope"][0].split(",")) == set(SCOPES)
        back = {"code": slack.workspace.begin_install(team), "state": asked["state"][0]}
        held = page.headers["set-cookie"].partition(";")[0]
        return await browser.get(
            "/slack/oauth_redirect", params=back, headers={"Cookie": held} if cookie else {}
        )


def stored(folder: Path) -> bytes:
    """Every byte of the database and its log."""
    return b"".join(path.read_bytes() for path in folder.glob("bot.sqlite*"))


async def test_each_workspace_is_answered_with_its_own_token(tmp_path: Path) -> None:
    async with FakeSlack() as slack, bot_of_many(slack, tmp_path) as bot:
        for team in ("T1", "T2"):
            assert (await install(slack, bot, team)).status_code == 200
        slack.workspace.add_channel("D2", "T2", "U7")
        await slack.dm(QUESTION, user="U7", channel="D2", team="T2")
        assert "Llama 3.1 8B" in (await slack.answer(user="U7", channel="D2")).text
        await slack.dm(QUESTION, user="U1", channel="D1", team="T1")
        assert "Llama 3.1 8B" in (await slack.answer(user="U1", channel="D1")).text
        posts = [one for one in slack.workspace.calls if one.method == "chat.postMessage"]
        assert [(one.team, one.arguments["channel"]) for one in posts] == [("T2", "D2"), ("T1", "D1")]
        for number in range(3):
            await slack.ask_in(f"/fit {QUESTION}", "T2", user=f"U{number + 20}")
        asked = [one for one in slack.workspace.calls if one.method == "auth.test"]
        assert len(asked) == 4, "whose a token is is asked when it is given and when it is first used"
        page = await bot.metrics_page()
        kept = stored(tmp_path)
        for token in [one for one in slack.workspace.tokens if "5eed" in one]:
            assert token.encode() not in kept
            assert token not in page


async def test_a_workspace_that_has_not_installed_it_or_took_it_away_is_told_so(tmp_path: Path) -> None:
    async with FakeSlack() as slack, bot_of_many(slack, tmp_path) as bot:
        stranger = await slack.ask_in(f"/fit {QUESTION}", "T9", user="U9")
        assert "has not installed fittingroom" in stranger.text
        await install(slack, bot, "T2")
        assert "Llama" in (await slack.ask_in(f"/fit {QUESTION}", "T2", user="U2")).text
        await slack.event({"type": "app_uninstalled"}, team="T2")
        gone = await slack.ask_in(f"/fit {QUESTION}", "T2", user="U2")
        assert "has not installed" in gone.text
        await install(slack, bot, "T2")
        await slack.event({"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": []}}, team="T2")
        assert "Llama" in (await slack.ask_in(f"/fit {QUESTION}", "T2", user="U3")).text
        await slack.event({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["UBOT"]}}, team="T2")
        assert "has not installed" in (await slack.ask_in(f"/fit {QUESTION}", "T2", user="U3")).text


async def test_an_installation_that_someone_else_began_or_that_is_played_again_is_refused(
    tmp_path: Path,
) -> None:
    async with FakeSlack() as slack, bot_of_many(slack, tmp_path) as bot:
        assert (await install(slack, bot, "T2", cookie=False)).status_code == 400
        async with httpx.AsyncClient(base_url=bot.url) as browser:
            made_up = {"code": slack.workspace.begin_install("T2"), "state": "guessed"}
            held = {"Cookie": "slack-app-oauth-state=guessed"}
            refused = await browser.get("/slack/oauth_redirect", params=made_up, headers=held)
        assert refused.status_code == 401
        assert not [one for one in slack.workspace.calls if one.method == "oauth.v2.access"]


async def test_a_watch_is_told_in_its_own_workspace_also_after_a_restart(tmp_path: Path) -> None:
    async with exporters(FULL) as nodes, FakeSlack() as slack:
        more = QUICK | {"FITTINGROOM_EXPORTER_URLS": nodes[0].url}
        slack.workspace.add_channel("C7", "T2", "U7")
        async with bot_of_many(slack, tmp_path, **more) as bot:
            await install(slack, bot, "T2")
            ask = "/fit watch llama 3.1 8b fp8 on A100 40GB with vllm"
            promised = await slack.ask_in(ask, "T2", user="U7", channel="C7")
            assert "I will write to you" in promised.text
        nodes[0].report = FREE
        async with bot_of_many(slack, tmp_path, **more):
            await slack.workspace.until(
                lambda: [one for one in slack.workspace.calls if one.method == "chat.postMessage"],
                seconds=30,
                what="the watch",
            )
        (post,) = [one for one in slack.workspace.calls if one.method == "chat.postMessage"]
        assert post.team == "T2"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"FITTINGROOM_TOKEN_KEYS": ""}, "FITTINGROOM_TOKEN_KEYS must be set"),
        ({"FITTINGROOM_TOKEN_KEYS": "not-a-key"}, "a key is 32 bytes in url-safe base64"),
        ({"FITTINGROOM_BOT_MODE": "socket"}, "with SLACK_CLIENT_ID set FITTINGROOM_BOT_MODE=http"),
        ({"FITTINGROOM_ALERTS_TOKEN": "t", "FITTINGROOM_ALERTS_CHANNEL": "C1"}, "WORKSPACE/CHANNEL"),
    ],
)
async def test_what_is_missing_is_one_sentence_without_a_secret(changes: dict[str, str], said: str) -> None:
    async with FakeSlack() as slack:
        bot = await start(environment(slack, "http", free_port(), **OAUTH | changes), 0)
        await bot.process.wait()
        assert await bot.stop() == 2
        assert said in bot.output
        assert "not-a-key" not in bot.output


def installations(folder: Path, keys: str) -> Installations:
    engine = open_database(f"sqlite:///{folder}/bot.sqlite")
    return Installations(engine, Seal(keys), ThreadPoolExecutor(1))


def a_bot(token: str = "xoxb-secret-1") -> Bot:
    return Bot(
        team_id="T1", enterprise_id=None, bot_token=token, bot_id="B1", bot_user_id="U1", bot_scopes=["commands"],
        bot_refresh_token="xoxe-refresh-1", bot_token_expires_at=1_900_000_000, installed_at=1_800_000_000.0,
    )  # fmt: skip


async def test_keys_can_be_changed_without_installing_again(tmp_path: Path) -> None:
    await installations(tmp_path, OLD_KEY).async_save_bot(a_bot())
    both = installations(tmp_path, f"{KEY},{OLD_KEY}")
    assert (found := await both.bot_of("T1"))
    assert (found.bot_token, found.bot_refresh_token) == ("xoxb-secret-1", "xoxe-refresh-1")
    await both.reseal()
    assert await installations(tmp_path, KEY).bot_of("T1")
    assert await installations(tmp_path, OLD_KEY).bot_of("T1") is None
    kept = stored(tmp_path)
    assert b"xoxb-secret" not in kept
    assert b"xoxe-refresh" not in kept


async def test_a_row_that_was_changed_in_the_database_is_not_believed(tmp_path: Path) -> None:
    await installations(tmp_path, KEY).async_save_bot(a_bot())
    with sqlite3.connect(tmp_path / "bot.sqlite") as connection:
        (sealed,) = connection.execute("SELECT sealed FROM slack_installations").fetchone()
        connection.execute("UPDATE slack_installations SET sealed = ?", (sealed[:-4] + b"AAA=",))
    assert await installations(tmp_path, KEY).bot_of("T1") is None


async def test_a_state_is_good_once(tmp_path: Path) -> None:
    states = OAuthStates(open_database(f"sqlite:///{tmp_path}/bot.sqlite"), ThreadPoolExecutor(1))
    state = await states.async_issue()
    assert not await states.async_consume("guessed")
    assert await states.async_consume(state)
    assert not await states.async_consume(state)
    assert state.encode() not in stored(tmp_path)


def test_an_organisation_is_its_own_workspace() -> None:
    assert workspace_key("E1", "T1", is_enterprise_install=True) == "E1"
    assert workspace_key("E1", "T1", is_enterprise_install=False) == "T1"
    assert workspace_key("E1", None, is_enterprise_install=None) == "E1"


def test_what_was_sealed_with_a_lost_key_cannot_be_opened() -> None:
    with pytest.raises(CannotOpen):
        Seal(KEY).open(Seal(OLD_KEY).seal("x"))


def test_the_scopes_asked_for_are_those_of_the_manifest() -> None:
    manifest = yaml.safe_load((ROOT / "deploy/slack/manifest.yaml").read_text(encoding="utf-8"))
    assert set(SCOPES) == set(manifest["oauth_config"]["scopes"]["bot"])
