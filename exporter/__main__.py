"""`python -m exporter`: options in, exit code out; every mistake of the person is one sentence."""

import signal
import sys
import threading
from collections.abc import Sequence

from exporter.app import EXIT_BAD_SETTINGS, EXIT_OK, CannotStart, print_once, run
from exporter.logs import set_up_logging
from exporter.options import BadSettings, parse_settings
from exporter.settings import ENV_PREFIX


def main(argv: Sequence[str] | None = None) -> int:
    """Run the exporter; returns the exit code."""
    try:
        settings = parse_settings(sys.argv[1:] if argv is None else argv)
        if settings.check_config:
            for name, value in settings:
                sys.stdout.write(f"{ENV_PREFIX}{name.upper()}={'' if value is None else value}\n")
            return EXIT_OK
        set_up_logging(settings.log_level, settings.log_format)
        if settings.once:
            return print_once(settings)
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        return run(settings, stop)
    except (BadSettings, CannotStart) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_BAD_SETTINGS


if __name__ == "__main__":
    sys.exit(main())
