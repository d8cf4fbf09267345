"""What a question was read as: in a line, and a button for every part that was guessed, to put it right."""

from typing import Final

from bot.canonical import canonical_text
from bot.messages.blocks import actions, button, labelled
from bot.messages.message import Block
from bot.messages.mrkdwn import clipped
from bot.messages.words import doubtful, read_as
from shared.question.query import Query

MOST_CHIPS: Final = 5
_NAMES: Final = {
    "model": "Model", "quantization": "Quantization", "gpu": "GPU", "context_tokens": "Context",
    "kv_cache_type": "KV cache", "sequences": "Users", "engine": "Engine",
}  # fmt: skip


def read_as_blocks(query: Query, *, private: bool) -> tuple[Block, ...]:
    """The line, and for whoever may change the answer the buttons; each opens the form with the whole question."""
    text = read_as(query)
    if not text:
        return ()
    line = labelled("Read as", clipped(text, 600))
    carried = canonical_text(query)
    chips = [
        button(
            f"{_NAMES[field]}: {said} ✎",
            f"fit_change:{field}",
            carried,
            says=f"{_NAMES[field]} was taken to be {said}: change it",
        )
        for field, said in doubtful(query).items()
        if field in _NAMES
    ]
    return (line, actions(chips[:MOST_CHIPS])) if chips and private else (line,)
