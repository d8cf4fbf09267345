"""Buttons that carry a question: another reading, a suggestion, an example, more or fewer details."""

import re

from slack_bolt.async_app import AsyncApp

from bot.listeners.reception import Reception
from bot.listeners.turn import turn_of_button


def register(app: AsyncApp, reception: Reception) -> None:
    """Take presses."""
    app.action(re.compile(r"^fit_ask(:|$)"))(reception.taking(turn_of_button))
    app.action("fit_details")(reception.taking(turn_of_button, reception.details))
