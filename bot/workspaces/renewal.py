"""Tokens that end: Slack gives a new one, and a new key to the next, for a key that is good once."""

import logging
import time
from typing import Final

import aiohttp
from slack_sdk.errors import SlackTokenRotationError
from slack_sdk.oauth.installation_store.models.bot import Bot
from slack_sdk.oauth.token_rotation.async_rotator import AsyncTokenRotator

log: Final = logging.getLogger("fittingroom.bot.workspaces")

RENEW_MINUTES_BEFORE: Final = 120  # as Bolt does; a token lives for twelve hours
RENEW_EVERY_SECONDS: Final = 600.0


def ends_within(bot: Bot, minutes: float) -> bool:
    """Whether the token ends so soon; never, where the app has no token rotation."""
    ends_at = bot.bot_token_expires_at
    return bool(bot.bot_refresh_token) and ends_at is not None and ends_at <= time.time() + minutes * 60


class Renewal:
    """Asks Slack for the next token."""

    def __init__(self, rotator: AsyncTokenRotator) -> None:
        self._rotator = rotator

    async def renewed(self, bot: Bot, workspace: str) -> Bot | None:
        """The bot with its next token; None, with a line in the log, where Slack gave none."""
        try:
            found = await self._rotator.perform_bot_token_rotation(
                bot=bot, minutes_before_expiration=RENEW_MINUTES_BEFORE
            )
        except SlackTokenRotationError as error:
            cause = error.api_error.response.get("error")
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            cause = type(error).__name__
        else:
            if found:
                return found
            cause = "no token of a bot"
        log.warning("Slack did not renew the token of workspace %s (%s)", workspace, cause)
        return None
