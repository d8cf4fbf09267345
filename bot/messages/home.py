"""The home tab: our GPUs at a glance, a person's watches, and where to begin."""

from collections.abc import Sequence
from typing import Any, Final

from bot.fleet import Fleet, LiveFleet
from bot.messages.blocks import actions, bullets, button, header, paragraph, rich_text, run, small_print
from bot.messages.help import EXAMPLES
from bot.messages.message import Block
from bot.messages.status import status_message, unavailable_message
from bot.messages.watches import watch_blocks
from bot.watches import Watch
from shared.catalog.catalog import Catalog

MOST_BLOCKS: Final = 100
DIVIDER: Final[Block] = {"type": "divider"}


def home_view(fleet: LiveFleet, watches: Sequence[Watch], command: str, catalog: Catalog) -> dict[str, Any]:
    """The view of one person."""
    begin = [
        header("Will it fit?"),
        rich_text(
            paragraph("Ask in plain words: ", run(f"{command} {EXAMPLES[0]}", code=True)),
            paragraph("Mention me in a thread, or write me here; a form does it too."),
        ),
        actions(
            [
                button("Plan with a form", "fit_change", "", style="primary"),
                *(button(one, f"fit_ask:{number}", one) for number, one in enumerate(EXAMPLES[:2])),
            ]
        ),
    ]
    live = status_message(fleet).blocks if isinstance(fleet, Fleet) else unavailable_message(fleet).blocks
    mine = watch_blocks(watches, catalog) or (
        rich_text(bullets([f'none; "{command} watch llama 3.3 70b fp8 on 2x A100 80GB" makes one'])),
    )
    blocks = [
        *begin,
        DIVIDER,
        *live,
        DIVIDER,
        header("Your watches"),
        *mine,
        small_print("Refreshed when you open it."),
    ]
    return {"type": "home", "blocks": [dict(block) for block in blocks[:MOST_BLOCKS]]}
