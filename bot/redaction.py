"""Logging that cannot leak a secret: every finished line is searched for them before it is written."""

import logging
import re
from collections.abc import Iterable
from typing import Final

_MASK: Final = "[redacted]"
# Slack's tokens by their prefixes, the tickets of its sockets, and response URLs, which anyone could post to.
_SHAPES: Final = re.compile(
    r"\bx(?:ox[a-z]|app)-[\w-]+|(?<=ticket=)[\w%-]+|https?://[^\s'\"]*/(?:commands|actions|services)/[^\s'\",}]+"
)
_PASSWORD: Final = re.compile(r"(?<=://)[^/@\s'\"]+(?=@)")
_SHORTEST_SECRET: Final = 6


def without_password(text: str) -> str:
    """`text` with the user and password of every address in it masked."""
    return _PASSWORD.sub(_MASK, text)


class RedactingFormatter(logging.Formatter):
    """Formats as usual, traceback included, then masks what looks like a secret or is one of ours."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        ours = sorted((one for one in secrets if len(one) >= _SHORTEST_SECRET), key=len, reverse=True)
        self._ours = re.compile("|".join(re.escape(one) for one in ours)) if ours else None

    def format(self, record: logging.LogRecord) -> str:
        """The line to write."""
        return self.redact(super().format(record))

    def redact(self, text: str) -> str:
        """`text` without secrets."""
        if self._ours:
            text = self._ours.sub(_MASK, text)
        return without_password(_SHAPES.sub(_MASK, text))


def set_up_logging(level: str, secrets: Iterable[str]) -> None:
    """One handler on the root logger, redacting; libraries that log whole payloads stay above debug."""
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter(secrets))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in (
        "slack_sdk",
        "slack_bolt",
        "aiohttp",
        "httpx",
        "httpcore",
        "apscheduler",
        "alembic",
        "sqlalchemy",
    ):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
