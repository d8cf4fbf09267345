"""Who calls the Web API, and how a code becomes a workspace's token."""

import base64
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
    return workspace.tokens[token], ""


def installed_by(workspace: Workspace, code: str) -> dict[str, Any] | None:
    """What a code buys, once: a token for its team."""
    team = workspace.codes.pop(code, None)
    if team is None:
        return None
    token = f"xoxb-{workspace.new_id(team)}-5eed0fa11b0t5"
    workspace.tokens[token] = team
    return {
        "ok": True, "access_token": token, "token_type": "bot", "scope": "chat:write,commands",
        "bot_user_id": BOT_USER, "app_id": "A1", "team": {"id": team, "name": team}, "enterprise": None,
        "authed_user": {"id": "U1"}, "is_enterprise_install": False,
    }  # fmt: skip
