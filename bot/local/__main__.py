"""`make run`: an exporter beside us, the seed question answered, then questions until Ctrl-C or a signal."""

import asyncio
import signal
import sys
import time
from contextlib import ExitStack
from types import FrameType
from typing import Final

from bot.fleet import LiveFleet
from bot.fleet_reader import FleetReader, fleet_reader
from bot.local.children import EXPORTER_PORT, CannotStart, child, driver_is_there, exporter, free_port
from bot.settings import BotSettings
from bot.terminal import answer_question, interactive_prompt
from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog

SEED_QUESTION: Final = "can Mixtral 8x22B run on A100 40GB?"
FAILED: Final = 1


def main() -> int:
    """Run until Ctrl-C or a signal; 1 when the exporter cannot start or dies."""
    signal.signal(signal.SIGTERM, _leave)
    try:
        return _run(load_catalog())
    except CannotStart as error:
        print(error, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print()
        return 0


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _run(catalog: Catalog) -> int:
    simulated = not driver_is_there()
    port = free_port(EXPORTER_PORT)
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as running:
        watched = [running.enter_context(exporter(port, simulated=simulated))]
        slack = BotSettings()
        if not slack.missing():
            env = {} if slack.prometheus_url or slack.exporter_urls else {"FITTINGROOM_EXPORTER_URLS": url}
            watched.append(running.enter_context(child("bot", env=env)))
        reader = fleet_reader(
            prometheus_url=slack.prometheus_url, exporter_urls=slack.exporter_urls or (url,)
        )
        print(f"> {SEED_QUESTION}")
        answer_question(SEED_QUESTION, catalog, look=lambda: _look(reader))
        print(_where(url, port=port, simulated=simulated, slack=slack), flush=True)
        if sys.stdin is not None and sys.stdin.isatty():
            interactive_prompt(catalog, reader)
            return 0
        while all(process.poll() is None for process in watched):
            time.sleep(0.5)
        print("A process beside this one stopped; its message is above.", file=sys.stderr)
        return FAILED


def _look(reader: FleetReader | None) -> LiveFleet:
    return asyncio.run(reader.read_or_reason(models=False)) if reader is not None else None


def _where(url: str, *, port: int, simulated: bool, slack: BotSettings) -> str:
    """What is running and where, one line each."""
    lines = [f"Metrics  {url}/metrics", f"Page     {url}/"]
    if simulated:
        lines.append(
            "GPUs     simulated: no NVIDIA driver on this machine, so the node comes from a data file"
        )
    if port != EXPORTER_PORT:
        lines.append(f"Port     {EXPORTER_PORT} is taken, so the exporter listens on {port}")
    missing = slack.missing()
    lines.append(
        f"Slack    not connected: set {' and '.join(missing)}"
        if missing
        else f"Slack    {slack.command} in {slack.mode} mode"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
