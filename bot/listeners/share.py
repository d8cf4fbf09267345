"""The button that posts an answer for everyone in the channel."""

from slack_bolt.async_app import AsyncApp

from bot.listeners.reception import Reception
from bot.listeners.turn import Turn, turn_of_button
from bot.messages.share import shared_message
from bot.messages.words import read_as
from shared.errors import UserError


def register(app: AsyncApp, reception: Reception) -> None:
    """Take presses of "Share to channel"."""

    async def share(turn: Turn) -> str:
        reply = await reception.desk.reply(turn.text, private=False)
        message = shared_message(reply.message, turn.user_name, await _in_words(turn.text))
        await reception.outbox.respond(turn.response_url, message, in_channel=True)
        return reply.result

    async def _in_words(text: str) -> str:
        try:
            return read_as(await reception.desk.read(text)) or text
        except UserError:
            return text

    app.action("fit_share")(reception.taking(turn_of_button, share))
