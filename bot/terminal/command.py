"""`fit`: arguments in, an exit code out; every mistake a person can make is one sentence on stderr."""

import gc
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from shared.errors import UserError

ANSWERED: Final = 0
NOT_UNDERSTOOD: Final = 2
_INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. 0: answered; 2: not understood, and stderr says what would work."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    gc.disable()  # a run this short ends before there is garbage worth collecting; long ones turn it on again
    try:
        return _guarded(given)
    finally:
        gc.enable()


def run() -> NoReturn:
    """`main` as all that a process does.

    It leaves at once, without freeing object by object what ends with it anyway: that takes a tenth of a short run.
    Nothing waits for the way out: all files are closed, and what was printed is flushed here.
    """
    if hasattr(signal, "SIGPIPE"):
        signal.signal(
            signal.SIGPIPE, signal.SIG_DFL
        )  # `fit gpus | head` ends quietly; only where we are the process
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _guarded(given: list[str]) -> int:
    """Run, with every way a person can end it."""
    try:
        return _ask(given[0]) if _is_a_question(given) else _run(given)
    except UserError as error:
        print(f"fit: {error.sentence}", file=sys.stderr)
        return NOT_UNDERSTOOD
    except KeyboardInterrupt:
        return _INTERRUPTED


def _is_a_question(given: list[str]) -> bool:
    """`fit "several words"`: no verb and no option has a space, so the usual run takes no parser."""
    return len(given) == 1 and " " in given[0] and not given[0].startswith("-")


def _ask(text: str, **how: Any) -> int:
    """Answer one question from the facts and the fleet of this shell."""
    from bot.terminal.facts import catalog_of
    from bot.terminal.session import answer_question

    return answer_question(text, catalog_of(os.environ), **how)


def _version() -> int:
    """What answers, and how old its facts are."""
    from bot.terminal.facts import catalog_of
    from bot.version import VERSION

    print(f"fit {VERSION}, facts of {catalog_of(os.environ).as_of.isoformat()}")
    return ANSWERED


def _run(given: list[str]) -> int:
    """Parse and dispatch; imports are late because a listing needs no planner and `--help` needs nothing."""
    from bot.terminal.arguments import VERBS, parser

    if given == ["--version"]:
        return _version()
    if given[:1] == ["catalog"]:  # has verbs and help of its own
        from bot.terminal.catalog_command import run_catalog

        return run_catalog(given[1:])
    first = next((word for word in given if not word.startswith("-")), None)
    is_verb = first is None or first in VERBS
    words = given if is_verb else ["ask", *given]  # `fit QUESTION` is `fit ask QUESTION`
    options = parser(words[0] if words and words[0] in VERBS else None).parse_args(words)
    if options.verb is None and not sys.stdin.isatty():
        parser().print_help()
        return ANSWERED
    if options.verb == "ask":
        text = " ".join(options.question)
        return _ask(text, as_json=options.json, everything=options.all, picture=options.picture)
    from bot.terminal.facts import catalog_of, reader_of

    catalog = catalog_of(os.environ)
    if options.verb is None:
        from bot.terminal.session import interactive_prompt

        return interactive_prompt(catalog, reader_of(os.environ))
    if options.verb == "estimate":
        from bot.terminal.estimate import run_estimate

        return run_estimate(options, catalog)
    if options.verb == "why":
        from bot.terminal.why import run_why

        return run_why(options, catalog)
    if options.verb == "explain":
        from bot.terminal.explain import run_explain

        return run_explain(options, catalog)
    from bot.terminal.listings import run_listing

    return run_listing(options, catalog)
