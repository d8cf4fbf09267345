"""`python -m bot`: settings, then the bot until a signal; a configuration error is one sentence and exit code 2."""

import asyncio
import os
import signal
import sys

from bot.cannot_start import CannotStart
from bot.options import masked, parser, read_settings
from bot.redaction import set_up_logging
from bot.settings import BotSettings

BAD_CONFIGURATION = 2


def main() -> int:
    """Run the bot; the exit code says how it ended."""
    arguments = vars(parser().parse_args())
    try:
        settings = read_settings(arguments)
    except ValueError as error:
        return _refuse(str(error))
    if arguments["check_config"]:
        print(masked(settings))  # noqa: T201
        return 0
    if settings.missing():
        names = " and ".join(settings.missing())
        return _refuse(
            f"{names} must be set to run in {settings.mode} mode; docs/slack.md says where Slack shows them"
        )
    for name in ("SLACK_BOT_TOKEN", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"):
        os.environ.pop(name, None)  # Bolt would look there too, and take or warn of what it found
    set_up_logging(settings.log_level, settings.secrets())
    return asyncio.run(_run(settings, arguments["smoke"]))


async def _run(settings: BotSettings, smoke_channel: str | None) -> int:
    from bot.app import run_bot  # noqa: PLC0415  --help and --check-config answer without loading Bolt
    from bot.smoke import smoke  # noqa: PLC0415

    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    try:
        if smoke_channel:
            return await smoke(settings, smoke_channel)
        await run_bot(settings, stop)
    except CannotStart as error:
        return _refuse(str(error))
    return 0


def _refuse(sentence: str) -> int:
    print(f"fittingroom bot: {sentence}.", file=sys.stderr)  # noqa: T201
    return BAD_CONFIGURATION


if __name__ == "__main__":
    sys.exit(main())
