"""The app's manifest and the listeners agree in both directions, and so do buttons and their listeners."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from bot.listeners import register_listeners
from tests.bot.bot_process import ROOT
from tests.fakes.slack.web_api import WebApi
from tests.fakes.slack.workspace import Workspace

MANIFEST = yaml.safe_load((ROOT / "deploy/slack/manifest.yaml").read_text(encoding="utf-8"))
SCOPES = {  # Slack's reference of each method and event
    "chat.postMessage": "chat:write", "chat.update": "chat:write", "conversations.open": "im:write",
    "conversations.history": "im:history", "app_mention": "app_mentions:read", "message.im": "im:history",
}  # fmt: skip


class Recorder:
    """Stands for Bolt's app: notes what is registered."""

    def __init__(self) -> None:
        self.names: dict[str, list[Any]] = {}

    def __getattr__(self, kind: str) -> Any:
        def register(name: Any) -> Any:
            self.names.setdefault(kind, []).append(name)
            return lambda *_args, **_kwargs: None

        return register


@pytest.fixture(scope="module")
def registered() -> dict[str, list[Any]]:
    app = Recorder()
    reception = SimpleNamespace(
        desk=SimpleNamespace(command="/fit", catalog=None),
        taking=lambda *_, **__: None,
        answer=None,
        details=None,
        watching=None,
    )
    watching = SimpleNamespace(stop=None, snooze=None, of_user=None)
    register_listeners(app, reception, watching)  # type: ignore[arg-type]
    return app.names


def test_every_command_has_a_listener_and_every_listener_a_command(registered: dict[str, list[Any]]) -> None:
    assert [one["command"] for one in MANIFEST["features"]["slash_commands"]] == registered["command"]


def test_every_shortcut_has_a_listener_and_every_listener_a_shortcut(
    registered: dict[str, list[Any]],
) -> None:
    in_manifest = {one["callback_id"] for one in MANIFEST["features"]["shortcuts"]}
    assert in_manifest == set(registered["shortcut"])


def test_every_event_has_a_listener_and_every_listener_an_event(registered: dict[str, list[Any]]) -> None:
    events = {one.partition(".")[0] for one in MANIFEST["settings"]["event_subscriptions"]["bot_events"]}
    assert events == set(registered["event"])


def test_every_action_id_we_send_has_exactly_one_listener(registered: dict[str, list[Any]]) -> None:
    listeners = [
        re.compile(f"^{re.escape(one)}$") if isinstance(one, str) else one for one in registered["action"]
    ]
    sources = "\n".join(path.read_text(encoding="utf-8") for path in Path(ROOT / "bot/messages").glob("*.py"))
    sent = set(re.findall(r'"(fit_(?!find_|field_|form|plan|message)[a-z_]+(?::[^"]*)?)"', sources))
    assert len(sent) >= 8
    for action_id in sent:
        heard = [one for one in listeners if one.search(action_id)]
        assert len(heard) == 1, action_id


def test_every_search_menu_has_a_listener(registered: dict[str, list[Any]]) -> None:
    assert set(registered["options"]) == {"fit_find_model", "fit_find_gpu"}


def test_the_scopes_are_those_that_what_we_do_needs() -> None:
    scopes = set(MANIFEST["oauth_config"]["scopes"]["bot"])
    assert scopes >= set(SCOPES.values()) | {"commands"}
    assert not {
        one for one in scopes if one.startswith(("admin", "channels:", "groups:", "users:", "files:"))
    }


def test_the_fake_knows_every_method_the_manifest_allows_us() -> None:
    known = WebApi(Workspace(), lambda: "").methods
    assert {method for method in SCOPES if "." in method and not method.startswith("message")} <= set(known)
