"""The slash command, a mention and a direct message: three ways to the same answer."""

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.listeners.reception import Reception
from bot.listeners.turn import turn_of_command, turn_of_mention, turn_of_message


async def acknowledge(ack: AsyncAck) -> None:
    """Within Slack's three seconds, before any work."""
    await ack()


def register(app: AsyncApp, reception: Reception) -> None:
    """Take questions."""
    app.command(reception.desk.command)(ack=acknowledge, lazy=[reception.lazy(turn_of_command)])
    app.event("app_mention")(ack=acknowledge, lazy=[reception.lazy(turn_of_mention)])
    app.event("message")(ack=acknowledge, lazy=[reception.lazy(turn_of_message)])
