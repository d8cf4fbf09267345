"""The `fit` command: the same question and the same answer as in Slack, in a terminal."""

from typing import TYPE_CHECKING

from bot.terminal.command import main

if TYPE_CHECKING:
    from bot.terminal.session import answer_question, interactive_prompt

__all__ = ["answer_question", "interactive_prompt", "main"]


def __getattr__(name: str) -> object:
    """What answers is only imported when it is used: `fit --help` and `fit gpus` need none of it."""
    if name in ("answer_question", "interactive_prompt"):
        from bot.terminal import session

        return getattr(session, name)
    raise AttributeError(name)
