"""Measures series, memory, scrapes, rules, the bot's look at the fleet and the dashboards' queries; prints a table."""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path

from benchmarks.fleet.pages import Fleet, one_page, served
from benchmarks.fleet.prometheus import Prometheus, running
from bot.fleet import STALE_AFTER_SECONDS
from bot.fleet_prometheus import PrometheusFleet

DASHBOARDS = Path(__file__).parents[2] / "deploy/helm/fittingroom/files/dashboards"
PAGE = Path(__file__).parents[2] / "docs/scale.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
LOOKS = {
    "free": "the bot's look: where memory is free",
    "models": "the same with the models that run",
    "first": "a first look, with names and sizes",
    "names": "names and sizes read anew, every minute",
}
GIB = 1024**3


async def bot_looks(url: str, times: int) -> dict[str, list[float]]:
    """Seconds of each look of the bot at the whole fleet, by what is looked at."""
    source = PrometheusFleet(url, 60.0, STALE_AFTER_SECONDS)
    seconds: dict[str, list[float]] = {what: [] for what in ("first", "free", "models", "names")}

    async def timed(what: str, act: Awaitable[object]) -> None:
        started = time.perf_counter()
        await act
        seconds[what].append(time.perf_counter() - started)

    for _ in range(times):
        await timed("first", PrometheusFleet(url, 60.0, STALE_AFTER_SECONDS).look(False))
        await timed("names", source.refresh())
        await timed("free", source.look(False))
        await timed("models", source.look(True))
    return {what: sorted(taken) for what, taken in seconds.items()}


def dashboard_queries(server: Prometheus) -> list[tuple[float, str, str]]:
    """Seconds, dashboard and panel of every query as the dashboards open, slowest first."""
    timed = []
    for path in sorted(DASHBOARDS.glob("*.json")):
        board = json.loads(path.read_text(encoding="utf-8"))
        chosen = {
            variable["name"]: ".*" if variable.get("includeAll") else "node-0007"
            for variable in board["templating"]["list"]
        }
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                query = target["expr"].replace("$__rate_interval", "2m")
                for name, value in chosen.items():
                    query = query.replace(f"${name}", value)
                started = time.perf_counter()
                server.get("query", query=query)
                timed.append((time.perf_counter() - started, path.stem, panel["title"]))
    return sorted(timed, reverse=True)


def measured(server: Prometheus, fleet: Fleet, gpus: int, looks: int) -> str:
    """What was measured, as a table."""
    own, ours = '{job="prometheus"}', '{job="fittingroom-exporter"}'
    rows = {
        "nodes": f"{fleet.nodes}",
        "GPUs": f"{gpus}",
        "samples of one scrape": f"{fleet.series}",
        "series in Prometheus": f"{server.number(f'prometheus_tsdb_head_series{own}'):,.0f}",
        "its resident memory": f"{server.number(f'process_resident_memory_bytes{own}') / GIB:.2f} GiB",
        "its CPU": f"{server.number(f'rate(process_cpu_seconds_total{own}[2m])'):.2f} cores",
        "targets up": f"{server.number(f'sum(up{ours})'):.0f}",
        "scrape, 99 %": f"{server.number(f'quantile(0.99, scrape_duration_seconds{ours})'):.3f} s",
    }
    for name, (taken, interval) in server.rule_groups().items():
        rows[f"rules {name}, every {interval:g} s"] = f"{taken:.3f} s"
    for what, seconds in asyncio.run(bot_looks(server.url, looks)).items():
        best, middle, worst = seconds[0], statistics.median(seconds), seconds[-1]
        rows[LOOKS[what]] = f"{best:.2f} s at best, {middle:.2f} s median, {worst:.2f} s slowest of {looks}"
    timed = dashboard_queries(server)
    rows["dashboard queries"] = f"{len(timed)}"
    rows["dashboard query, median"] = f"{statistics.median(taken for taken, _, _ in timed):.3f} s"
    rows |= {f"{board} / {panel}": f"{taken:.3f} s" for taken, board, panel in timed[:5]}
    rows["load of the machine"] = f"{os.getloadavg()[1]:.1f} on {os.cpu_count()} cores"
    lines = [f"| {what} | {number} |" for what, number in rows.items()]
    return "\n".join(("| what | measured |", "| --- | --- |", *lines))


def write(table: str) -> None:
    """Put the table into docs/scale.md in place of the last one."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN, 1)
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.split(END, 1)[1]}", encoding="utf-8")


def main() -> int:
    """Run the measurement; it ends by itself and leaves nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000, help="simulated nodes of eight GPUs")
    parser.add_argument(
        "--interval", type=int, default=30, help="seconds between scrapes and between evaluations"
    )
    parser.add_argument(
        "--minutes", type=float, default=4.0, help="how long Prometheus runs before it is measured"
    )
    parser.add_argument("--looks", type=int, default=10, help="how often the bot looks")
    parser.add_argument("--candidates", type=Path, help="candidate list instead of the one built in")
    parser.add_argument("--write", action="store_true", help="put the table into docs/scale.md")
    asked = parser.parse_args()
    fleet = Fleet(one_page(asked.candidates), asked.nodes)
    with (
        tempfile.TemporaryDirectory(prefix="fittingroom-fleet-") as folder,
        served(fleet) as port,
        running(Path(folder), port, asked.nodes, asked.interval) as server,
    ):
        time.sleep(asked.minutes * 60)
        table = measured(server, fleet, asked.nodes * 8, asked.looks)
    print(table)
    if asked.write:
        write(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
