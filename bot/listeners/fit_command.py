"""The slash command, a mention and a direct message: three ways to the same answer."""

from slack_bolt.async_app import AsyncApp

from bot.listeners.reception import Reception
from bot.listeners.turn import turn_of_command, turn_of_mention, turn_of_message


def register(app: AsyncApp, reception: Reception) -> None:
    """Take questions."""
    app.command(reception.desk.command)(reception.taking(turn_of_command))
    app.event("app_mention")(reception.taking(turn_of_mention))
    app.event("message")(reception.taking(turn_of_message))
