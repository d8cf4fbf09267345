"""One question answered in a terminal, and a prompt that takes one after another."""

import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.answer import Answer, answer
from bot.fleet import LiveFleet
from bot.terminal.facts import look_of
from bot.terminal.unlisted import query_and_catalog
from shared.catalog.catalog import Catalog
from shared.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from bot.fleet_reader import FleetReader

ANSWERED = 0
NOT_UNDERSTOOD = 2
_LEAVE = frozenset({"exit", "quit", "bye", "q", ":q"})


def answer_question(
    text: str,
    catalog: Catalog,
    *,
    as_json: bool = False,
    everything: bool = False,
    picture: str | None = None,
    look: Callable[[], LiveFleet] | None = None,
    console: "Console | None" = None,
) -> int:
    """Print the answer to one question and return the exit code: 0, or 2 with one sentence on stderr.

    Args:
        text: The question as typed.
        catalog: The facts.
        as_json: Print the plan as JSON instead.
        everything: Show every quantization and source.
        picture: A file to draw the options into as well, .svg or .png.
        look: How to read the live fleet; left out, the environment says.
        console: Where to print; left out, stdout.
    """
    try:
        answer = answer_to(text, catalog, look or look_of(os.environ))
        if picture is not None:
            from bot.terminal.picture import write_picture

            write_picture(answer.plan, picture)
    except UserError as error:
        print(f"fit: {error.sentence}", file=sys.stderr)
        return NOT_UNDERSTOOD
    if as_json:
        from bot.terminal.plan_json import plan_json

        print(json.dumps(plan_json(answer), indent=2))
        return ANSWERED
    from bot.terminal.render_plan import show_answer

    show_answer(answer, console=console, everything=everything)
    return ANSWERED


def answer_to(text: str, catalog: Catalog, look: Callable[[], LiveFleet]) -> Answer:
    """The plan for a question, held against the fleet. Raises UserError."""
    query, facts = query_and_catalog(text, catalog)
    return answer(query, facts, look())


def interactive_prompt(catalog: Catalog, fleet_reader: "FleetReader | None") -> int:
    """Take questions until end of file, Ctrl-C or "exit"; a mistake costs its sentence, not the session."""
    import asyncio
    import gc

    gc.enable()  # a session lives long
    with asyncio.Runner() as runner:

        def look() -> LiveFleet:
            return runner.run(fleet_reader.read_or_reason(models=False)) if fleet_reader is not None else None

        while True:
            try:
                text = input("fit> ").strip()
            except (EOFError, KeyboardInterrupt):
                print()
                return ANSWERED
            if text.lower() in _LEAVE:
                return ANSWERED
            if text:
                answer_question(text, catalog, look=look)
