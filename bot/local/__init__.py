"""The whole product on one machine: `python -m bot.local` starts an exporter, answers, and takes questions."""
