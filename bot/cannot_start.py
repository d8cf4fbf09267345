"""Why the bot cannot run as it is configured."""


class CannotStart(Exception):
    """The bot cannot run as configured; the sentence says what to change."""
