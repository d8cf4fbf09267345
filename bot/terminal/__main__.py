"""`python -m bot.terminal`: the `fit` command where no script is installed."""

import sys

from bot.terminal.command import main

if __name__ == "__main__":
    sys.exit(main())
