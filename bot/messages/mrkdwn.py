"""The only escaping: makes any text inert in Slack, so that nothing we echo can ping, link or format."""

import re
import unicodedata
from typing import Final

_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_WORD_JOINER: Final = "\u2060"
# Formatting marks at the edge of a word, and "@", "#", "://" and ":name:", which clients turn into links and emoji.
_MARKS: Final = re.compile(r"((?<![^\W_])[*_~]|[*_~](?![^\W_])|[`@#]|:(?=//)|:(?=[\w+-]+:))")


def printable(text: str) -> str:
    """`text` without control characters and without marks that turn reading order or hide words.

    Newlines and tabs become a space: what we echo stays on its line.
    """
    kept = (" " if char in "\n\r\t\v\f\u2028\u2029\u0085" else char for char in text)
    return "".join(char for char in kept if unicodedata.category(char) not in {"Cc", "Cf", "Co", "Cn", "Cs"})


def literal(text: str) -> str:
    """`text` for a field Slack does not format: only angle brackets could still name someone, so they change shape."""
    return printable(text).replace("<", "‹").replace(">", "›")


def inert(text: str) -> str:
    """`text` for an mrkdwn field: shown as it is, doing nothing."""
    escaped = "".join(_ENTITIES.get(char, char) for char in printable(text))
    return _MARKS.sub(rf"\1{_WORD_JOINER}", escaped)


def clipped(text: str, most: int) -> str:
    """At most `most` characters, the cut shown by an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
