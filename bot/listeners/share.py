"""The button that posts an answer for everyone in the channel."""

from slack_bolt.async_app import AsyncApp

from bot.listeners.reception import Reception
from bot.listeners.turn import Turn, turn_of_button
from bot.messages.share import shared_message


def register(app: AsyncApp, reception: Reception) -> None:
    """Take presses of "Share to channel"."""

    async def share(turn: Turn) -> str:
        reply = await reception.desk.reply(turn.text, private=False)
        message = shared_message(reply.message, turn.user_name, turn.text)
        await reception.outbox.respond(turn.response_url, message, in_channel=True)
        return reply.result

    app.action("fit_share")(reception.taking(turn_of_button, share))
