"""Everything Slack can ask of us, one module per thing."""

from slack_bolt.async_app import AsyncApp

from bot.listeners import fit_buttons, fit_command, form, home_tab, replan, share, shortcuts, watching
from bot.listeners.reception import Reception
from bot.listeners.watching import Watching


def register_listeners(app: AsyncApp, reception: Reception, watches: Watching) -> None:
    """The list of everything we answer to."""
    reception.watching = watches
    for module in (fit_command, fit_buttons, replan, share, form, shortcuts):
        module.register(app, reception)
    watching.register(app, reception, watches)
    home_tab.register(app, reception, watches)
