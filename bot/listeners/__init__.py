"""Everything Slack can ask of us, one module per thing."""

from slack_bolt.async_app import AsyncApp

from bot.listeners import fit_buttons, fit_command, form, replan, share, shortcuts
from bot.listeners.reception import Reception


def register_listeners(app: AsyncApp, reception: Reception) -> None:
    """The list of everything we answer to."""
    fit_command.register(app, reception)
    fit_buttons.register(app, reception)
    replan.register(app, reception)
    share.register(app, reception)
    form.register(app, reception)
    shortcuts.register(app, reception)
