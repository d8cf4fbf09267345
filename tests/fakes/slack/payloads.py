"""Who did what, as Slack's payloads say it: people, workspaces, organisations."""

from typing import Any

from tests.fakes.slack.workspace import BOT_USER, Workspace


def person(user: str, team: str) -> dict[str, str]:
    """Someone as interactions name them."""
    return {"id": user, "username": user.lower(), "name": user.lower(), "team_id": team}


def in_form(workspace: Workspace, team: str) -> dict[str, str]:
    """Where a slash command was typed."""
    org = workspace.orgs.get(team)
    shown = {"team_id": team, "team_domain": "loopback", "is_enterprise_install": str(bool(org)).lower()}
    return shown | ({"enterprise_id": org, "enterprise_name": org} if org else {})


def in_interaction(workspace: Workspace, team: str) -> dict[str, Any]:
    """Where a button was pressed."""
    org = workspace.orgs.get(team)
    enterprise = {"id": org, "name": org} if org else None
    return {"team": {"id": team}, "enterprise": enterprise, "is_enterprise_install": bool(org)}


def in_event(workspace: Workspace, team: str) -> dict[str, Any]:
    """Where something happened, and whose installation sees it: an organisation's has no team."""
    org = workspace.orgs.get(team)
    sees = {"team_id": None if org else team, "enterprise_id": org, "is_enterprise_install": bool(org)}
    authorization = sees | {"user_id": BOT_USER, "is_bot": True}
    return {"team_id": team, "authorizations": [authorization]} | ({"enterprise_id": org} if org else {})
