"""The other readings of what was said: one row of buttons per part that can mean several things."""

from typing import Final

from bot.canonical import with_choice
from bot.messages.blocks import actions, button, labelled
from bot.messages.message import Block
from bot.messages.words import choice_word, field_word
from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu, Model, Quantization
from shared.planner.plan import Plan

MOST_CHOICES: Final = 5


def choices(plan: Plan, catalog: Catalog) -> tuple[Block, ...]:
    """One row of buttons per ambiguity: the other readings of what was said."""
    rows: list[Block] = []
    for number, ambiguity in enumerate(plan.query.ambiguous[:3]):
        buttons = [
            button(
                _choice_name(ambiguity.field, choice, catalog),
                f"fit_ask:{number}-{place}",
                with_choice(plan.query, ambiguity, choice, catalog),
            )
            for place, choice in enumerate(ambiguity.choices[:MOST_CHOICES])
        ]
        rows += [
            labelled(f"Which {field_word(ambiguity.field)}?", f"“{ambiguity.given}” can mean any of these."),
            actions(buttons),
        ]
    return tuple(rows)


def _choice_name(field: str, choice: str, catalog: Catalog) -> str:
    row: Model | Gpu | Quantization | None = None
    if field == "model":
        row = catalog.models.get(choice)
    elif field == "gpu":
        row = catalog.gpus.get(choice)
    elif field == "quantization":
        row = catalog.quantizations.get(choice)
    return row.name if row else choice_word(field, choice)
