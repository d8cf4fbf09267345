"""`fit why`: the numbers of an estimate, or of what a question asked, as formulas with their sources."""

import json
from argparse import Namespace
from dataclasses import asdict

from bot.terminal.estimate import estimated
from bot.terminal.request import FIELDS
from shared.catalog.catalog import Catalog
from shared.errors import UserError
from shared.estimator import Estimate
from shared.planner.planner import plan
from shared.planner.reason import Reason
from shared.planner.why import reasons
from shared.question.parse import parse_question


def run_why(options: Namespace, catalog: Catalog) -> int:
    """Print every reason. Raises UserError for what cannot be answered."""
    found = reasons(_estimate(options, catalog), catalog)
    if options.json:
        print(json.dumps([asdict(reason) for reason in found], indent=2))
        return 0
    for reason in found:
        _print(reason)
    return 0


def _estimate(options: Namespace, catalog: Catalog) -> Estimate:
    """Of the flags, or of what the question literally asked."""
    if not options.question:
        return estimated(
            {name: getattr(options, name) for name in FIELDS if hasattr(options, name)}, catalog
        )[1]
    answer = plan(parse_question(" ".join(options.question), catalog), catalog)
    one = answer.asked or next(iter(answer.options), None)
    if one is None:
        raise UserError(f"There is no estimate to explain: {answer.sentence}")
    return one.estimate


def _print(reason: Reason) -> None:
    print(f"{reason.name:<12} {reason.value}")
    for line in reason.formula:
        print(f"    {line}")
    for source in reason.sources:
        print(f"    from {source}")
