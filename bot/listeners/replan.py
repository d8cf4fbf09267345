"""Menus under an answer: one part of the question changes, the answer is made anew in place."""

import re

from slack_bolt.async_app import AsyncApp

from bot.canonical import canonical_text
from bot.listeners.reception import Reception
from bot.listeners.turn import Payload, Turn, turn_of_button
from bot.messages.error import error_message
from bot.messages.menus import CARRIED
from bot.replan import Change, changed
from shared.errors import UserError


def register(app: AsyncApp, reception: Reception) -> None:
    """Take choices."""

    async def replan(turn: Turn) -> str:
        desk = reception.desk
        try:
            query = await desk.read(turn.text)
            text = canonical_text(changed(query, turn.changes[0], desk.catalog))
        except UserError as error:
            await reception.send(turn, error_message(error, turn.text, desk.command))
            return "not_understood"
        return await reception.answer(turn.asking(text))

    app.action(re.compile(r"^fit_set:"))(reception.taking(turn_of_menu, replan))


def turn_of_menu(body: Payload) -> Turn:
    """A chosen option: the question is in the row's block_id, the part in the action_id, the value in the option."""
    action = body["actions"][0]
    change = Change(
        field=str(action["action_id"]).partition(":")[2], value=str(action["selected_option"]["value"])
    )
    turn = turn_of_button(body).asking(str(action["block_id"]).removeprefix(CARRIED))
    return turn.with_changes(change)
