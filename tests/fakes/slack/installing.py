"""Who calls the Web API, and how a code becomes a workspace's token."""

import base64
import math
import time
from typing import Any

from tests.fakes.slack.workspace import (
    APP_TOKEN,
    BOT_USER,
    CLIENT_ID,
    CLIENT_SECRET,
    TEAM,
    Workspace,
)


def caller_of(workspace: Workspace, method: str, authorization: str, token: str) -> tuple[str, str]:
    """Whose channels the caller may use, and Slack's word of refusal for one it does not know."""
    if method == "oauth.v2.access":
        known = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        return TEAM, "" if authorization == f"Basic {known}" else "invalid_client_id"
    token = authorization.removeprefix("Bearer ") or token
    if not token:
        return TEAM, "not_authed"
    if method == "apps.connections.open":
        return TEAM, "" if token == APP_TOKEN else "invalid_auth"
    if token not in workspace.tokens:
        return TEAM, "invalid_auth"
    if workspace.token_ends.get(token, math.inf) <= time.monotonic():
        return TEAM, "token_expired"
    return workspace.tokens[token], ""


def sees(workspace: Workspace, caller: str, channel: str) -> bool:
    """Whether a channel is the caller's: its team's, or one of a team of its organisation."""
    team = workspace.teams.get(channel, caller)
    return channel in workspace.members and caller in (team, workspace.orgs.get(team))


def installed_by(workspace: Workspace, code: str) -> dict[str, Any] | None:
    """What a code buys, once: a token for its team."""
    team = workspace.codes.pop(code, None)
    return None if team is None else _granted(workspace, team)


def renewed_by(workspace: Workspace, refresh_token: str) -> dict[str, Any] | None:
    """What a refresh token buys, once: the next two. The old token lives on to its own end."""
    team = workspace.refresh_tokens.pop(refresh_token, None)
    return None if team is None else _granted(workspace, team)


def _granted(workspace: Workspace, team: str) -> dict[str, Any]:
    """A new token for a team, or for an organisation, which has no team."""
    organisation = team in workspace.orgs.values()
    lives = workspace.token_lives
    prefix = "xoxe.xoxb" if lives else "xoxb"
    token = f"{prefix}-{workspace.new_id(team)}-5eed0fa11b0t5"
    workspace.tokens[token] = team
    named = {"id": team, "name": team}
    granted = {
        "ok": True, "access_token": token, "token_type": "bot", "scope": "chat:write,commands",
        "bot_user_id": BOT_USER, "app_id": "A1", "team": None if organisation else named,
        "enterprise": named if organisation else None, "authed_user": {"id": "U1"},
        "is_enterprise_install": organisation,
    }  # fmt: skip
    if not lives:
        return granted
    life = lives.pop(0) if len(lives) > 1 else lives[0]
    refresh_token = f"xoxe-1-{workspace.new_id(team)}-5eed0fa11b0t5"
    workspace.refresh_tokens[refresh_token] = team
    workspace.token_ends[token] = time.monotonic() + life
    return granted | {"expires_in": int(life), "refresh_token": refresh_token}
