"""One turn of a conversation: what was asked, by whom, and where the answer goes; read from Slack's payloads."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from bot.replan import Change

_MENTION: Final = re.compile(r"<@[UW][A-Z0-9]+(?:\|[^>]*)?>")

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Where the answer goes: to `response_url` when there is one, else to `channel` (and `thread`).

    Attributes:
        source: The way in: command, mention, message or button.
        replace: The answer takes the place of the message that was clicked.
        event_id: Names a delivery that Slack may repeat; empty where it never does.
        trigger: Lets us open a form within three seconds of a click.
        workspace: Where it was asked, where the bot serves several; empty where it serves one.
        changes: Parts of the question to change before it is answered.
    """

    source: str
    text: str
    user: str
    channel: str
    response_url: str = ""
    thread: str | None = None
    replace: bool = False
    event_id: str = ""
    user_name: str = ""
    trigger: str = ""
    workspace: str = ""
    changes: tuple[Change, ...] = ()

    def asking(self, text: str) -> Self:
        """The same turn with another question."""
        return replace(self, text=text)

    def within(self, workspace: str) -> Self:
        """The same turn in a workspace."""
        return replace(self, workspace=workspace)

    @property
    def place(self) -> str:
        """What names the channel among all workspaces."""
        return f"{self.workspace}:{self.channel}" if self.workspace else self.channel

    def with_changes(self, *changes: Change) -> Self:
        """The same turn with parts of its question to be changed."""
        return replace(self, changes=changes)

    @property
    def in_words(self) -> bool:
        """Whether a person wrote the question, so that it may leave open what its channel takes for granted."""
        return self.source in {"command", "mention", "message", "shortcut"}

    @property
    def private(self) -> bool:
        """Whether the asker alone sees the answer: it goes to a response URL."""
        return bool(self.response_url)


def without_mentions(text: str) -> str:
    """`text` without the people it mentions."""
    return _MENTION.sub(" ", text).strip()


def turn_of_command(body: Payload) -> Turn:
    """A slash command; its answer is seen by the asker alone."""
    return Turn(
        source="command",
        text=str(body.get("text") or ""),
        user=str(body.get("user_id") or ""),
        channel=str(body.get("channel_id") or ""),
        response_url=str(body.get("response_url") or ""),
    )


def turn_of_mention(body: Payload) -> Turn | None:
    """A mention; the answer goes into its thread, or starts one."""
    event = body["event"]
    if event.get("bot_id") or event.get("subtype"):
        return None
    return Turn(
        source="mention",
        text=without_mentions(str(event.get("text") or "")),
        user=str(event.get("user") or ""),
        channel=str(event["channel"]),
        thread=str(event.get("thread_ts") or event["ts"]),
        event_id=str(body.get("event_id") or ""),
    )


def turn_of_message(body: Payload) -> Turn | None:
    """A direct message from a person; None for edits, deletions, other bots and channels."""
    event = body["event"]
    if event.get("channel_type") != "im" or event.get("bot_id") or event.get("subtype"):
        return None
    return Turn(
        source="message",
        text=without_mentions(str(event.get("text") or "")),
        user=str(event.get("user") or ""),
        channel=str(event["channel"]),
        thread=event.get("thread_ts"),
        event_id=str(body.get("event_id") or ""),
    )


def turn_of_button(body: Payload) -> Turn:
    """A pressed button, whose value is a question.

    An answer only the presser sees is replaced in place; one that others read too is left as it is, and the
    presser gets the new one for themselves.
    """
    container = body.get("container") or {}
    user = str((body.get("user") or {}).get("id") or "")
    return Turn(
        source="button",
        text=str(body["actions"][0].get("value") or ""),
        user=user,
        channel=str((body.get("channel") or {}).get("id") or user),  # the home tab is in no channel
        response_url=str(body.get("response_url") or ""),
        replace=bool(container.get("is_ephemeral")),
        user_name=str((body.get("user") or {}).get("name") or (body.get("user") or {}).get("username") or ""),
        trigger=str(body.get("trigger_id") or ""),
    )
