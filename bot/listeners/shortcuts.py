"""The message shortcut "Will this fit?": someone's words, or a model's address, as the question."""

from slack_bolt.async_app import AsyncApp

from bot.listeners.reception import Reception
from bot.listeners.turn import Payload, Turn, without_mentions


def register(app: AsyncApp, reception: Reception) -> None:
    """Take the shortcut."""
    app.shortcut("fit_message")(reception.taking(turn_of_message_shortcut))


def turn_of_message_shortcut(body: Payload) -> Turn:
    """The message it was used on; the answer is seen by whoever used it."""
    message = body.get("message") or {}
    return Turn(
        source="shortcut",
        text=without_mentions(str(message.get("text") or "")),
        user=str((body.get("user") or {}).get("id") or ""),
        channel=str((body.get("channel") or {}).get("id") or ""),
        response_url=str(body.get("response_url") or ""),
    )
