"""An answer as it is shared: with who shared it and what was asked, pinging nobody."""

from dataclasses import replace

from bot.messages.blocks import small_print
from bot.messages.message import Message, within_limits
from bot.messages.mrkdwn import clipped


def shared_message(message: Message, user_name: str, question: str) -> Message:
    """`message` with a last line that names the question and the person, by name and not by mention."""
    line = small_print(
        f"Asked: {clipped(question, 300)}" + (f" · shared by {user_name}" if user_name else "")
    )
    return replace(
        message,
        blocks=within_limits((*message.blocks, line)),
        plain_blocks=within_limits((*message.plain_blocks, line)) if message.plain_blocks else (),
        chartless_blocks=within_limits((*message.chartless_blocks, line)) if message.chartless_blocks else (),
    )
