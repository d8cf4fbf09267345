"""`python -m bot.terminal`: the `fit` command where no script is installed."""

from bot.terminal.command import run

if __name__ == "__main__":
    run()
