"""The `fit` command: the same question and the same answer as in Slack, in a terminal."""

from bot.terminal.command import main
from bot.terminal.session import answer_question, interactive_prompt

__all__ = ["answer_question", "interactive_prompt", "main"]
