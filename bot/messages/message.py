"""A message as Slack takes it: blocks, the same without the newest kinds of block, and plain text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Block = Mapping[str, Any]

MOST_BLOCKS: Final = 50
_ALWAYS: Final = frozenset({"header", "actions"})
_SHOWN: Final = ("text", "title", "label", "name")
MOST_TEXT: Final = 12_000  # Slack refuses a message somewhere above 13,000 characters in all; undocumented


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What to post.

    Attributes:
        text: The whole point in plain text: notifications, screen readers and clients that show no blocks.
        blocks: The message as most clients show it.
        chartless_blocks: The same with words in the place of charts; empty when there is no chart.
        plain_blocks: The same without blocks that a workspace may refuse; empty when there are none of those.
    """

    text: str
    blocks: tuple[Block, ...]
    plain_blocks: tuple[Block, ...] = ()
    chartless_blocks: tuple[Block, ...] = ()

    def forms(self, *, charts: bool = True) -> tuple[tuple[Block, ...], ...]:
        """What to send, and what to send again where Slack refuses it; the text alone last."""
        first = self.blocks if charts or not self.chartless_blocks else self.chartless_blocks
        return (first, *((self.plain_blocks,) if self.plain_blocks else ()), ())


def message(
    text: str,
    blocks: Sequence[Block],
    *,
    plain: Callable[[Block], Sequence[Block]] | None = None,
    chartless: Sequence[Block] | None = None,
) -> Message:
    """A message within Slack's limits; `plain` says what stands in for a block that may be refused.

    `chartless` is the message without charts, where `blocks` has one.
    """
    kept = within_limits(blocks)
    older = within_limits(chartless) if chartless is not None and has_chart(kept) else ()
    replaced = tuple(one for block in older or kept for one in (plain(block) if plain else (block,)))
    return Message(
        text=text[:3000],
        blocks=kept,
        plain_blocks=within_limits(replaced) if replaced != kept else (),
        chartless_blocks=older,
    )


def has_chart(blocks: Sequence[Block]) -> bool:
    """Whether there is a chart, which not every workspace and client takes."""
    return any(block["type"] == "data_visualization" for block in blocks)


def within_limits(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """As many blocks as fit: headline, buttons and the last line always, of the others the first."""
    sizes = [text_length(block) for block in blocks]
    always = [block["type"] in _ALWAYS or place == len(blocks) - 1 for place, block in enumerate(blocks)]
    text_left = MOST_TEXT - sum(size for size, keep in zip(sizes, always, strict=True) if keep)
    blocks_left = MOST_BLOCKS - sum(always)
    kept: list[Block] = []
    for block, size, keep in zip(blocks, sizes, always, strict=True):
        if keep:
            kept.append(block)
        elif size <= text_left and blocks_left > 0:
            kept.append(block)
            text_left -= size
            blocks_left -= 1
    return tuple(kept)


def text_length(part: Any) -> int:
    """Characters of all text in a block, however deep."""
    if isinstance(part, Mapping):
        own = sum(len(part[name]) for name in _SHOWN if isinstance(part.get(name), str))
        return own + sum(text_length(value) for value in part.values())
    if isinstance(part, list | tuple):
        return sum(text_length(item) for item in part)
    return 0
