"""What Slack did not take, and its word for why."""

from typing import Final

from slack_sdk.errors import SlackApiError

BLOCKS_REFUSED: Final = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "invalid_attachments"}
)


class SlackRefused(Exception):
    """Slack did not take a message; `reason` is its word for why."""

    def __init__(self, method: str, reason: str) -> None:
        super().__init__(f"Slack refused {method}: {reason}")
        self.reason = reason


def reason_of(error: SlackApiError | SlackRefused) -> str:
    """Slack's word."""
    if isinstance(error, SlackRefused):
        return error.reason
    return str(error.response.get("error") or "unknown")[:60]


def complaints_of(error: SlackApiError | SlackRefused) -> str:
    """What Slack said about which block."""
    if isinstance(error, SlackRefused):
        return error.reason
    metadata = error.response.get("response_metadata") or {}
    return "; ".join(str(one) for one in metadata.get("messages", ()))[:500]
