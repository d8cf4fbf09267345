"""Questions for reasons, told apart from questions for a plan: "why llama 3.1 70b q4 on 2x 4090"."""

import re
from typing import Final

from bot.messages.error import error_message
from bot.messages.message import Message
from bot.messages.why import why_message
from shared.catalog.catalog import Catalog
from shared.errors import UserError
from shared.planner.plan import Plan
from shared.planner.why import reasons

_WHY: Final = re.compile(r"why\b[\s:,]*(?P<question>.+)", re.IGNORECASE | re.DOTALL)
_LONGEST: Final = 2000


def why_question(text: str) -> str | None:
    """What a person wants explained; None when they ask for something else."""
    match = _WHY.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    return match["question"] if match else None


def explained(plan: Plan, catalog: Catalog, command: str) -> Message:
    """The reasons for what was asked, or for the plan's first option where nothing was asked literally."""
    option = plan.asked or next(iter(plan.options), None)
    if option is None:
        error = UserError(f"There is no estimate to explain: {plan.sentence}")
        return error_message(error, plan.query.text, command)
    return why_message(plan, option, reasons(option.estimate, catalog))
