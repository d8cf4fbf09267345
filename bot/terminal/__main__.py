"""`python -m bot.terminal`: the `fit` command where no script is installed."""

import sys

from bot.terminal.command import run

if __name__ == "__main__":
    sys.exit(run())
