"""Scrape latency, CPU and memory on a node of 8 GPUs, 20 servers and 60 candidates.

    python -m benchmarks.exporter.measure [--seconds 60] [--moving] [--peer "NAME=COMMAND with {port}"] …

The driver is the tests' fake library, so what is measured is ours: pynvml, attribution, estimating, rendering, serving.
A peer is any exporter that reads NVML; it runs over the same library and is scraped in the same way. Needs gcc.
CPU is told for a scrape every 5 seconds, and for scrapes one after the other, with the time that one of them takes.
"""

import argparse
import asyncio
import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import httpx

from benchmarks.exporter.node import free_port, inference_servers, node
from benchmarks.exporter.scrapers import scrape
from tests.fakes.libnvidia_ml import MIB, Node, build

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
OURS = f"{shlex.quote(sys.executable)} -m exporter --port {{port}} --attribute-processes always --log-level warning"


def main(argv: Sequence[str] | None = None) -> None:
    """Measure ourselves and the named peers, and print one JSON object each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="how long CPU is watched")
    parser.add_argument("--moving", action="store_true", help="other memory on every GPU each second")
    parser.add_argument("--peer", action="append", default=[], help="NAME=COMMAND, {port} in it is replaced")
    given = parser.parse_args(argv)
    commands = {"fittingroom": OURS, "fittingroom, a look each second": f"{OURS} --poll-interval-seconds 1"}
    commands |= dict(peer.split("=", 1) for peer in given.peer)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(folder / "driver")
        with inference_servers(folder / "servers") as workers:
            shown = node(workers)
            shown.write(folder / "node")
            environment = os.environ | {
                "LD_LIBRARY_PATH": str(folder / "driver"),
                "FAKE_NVML_STATE": str(folder / "node"),
            }
            with moving(shown, folder / "node") if given.moving else nullcontext():
                for label, command in commands.items():
                    result = {"exporter": label} | measure(command, environment, given.seconds)
                    print(json.dumps(result), flush=True)


def measure(command: str, environment: Mapping[str, str], seconds: float) -> dict[str, object]:
    """What one exporter costs: at rest, scraped every 5 s; then under one scraper, then under twenty."""
    with running(command, environment) as (process, port):
        time.sleep(3)
        with spent(process.pid) as at_rest:
            asyncio.run(scrape(port, at_once=1, seconds=seconds, pause=5.0))
        resident = rss_bytes(process.pid)
        with spent(process.pid) as scraped:
            alone = asyncio.run(scrape(port, at_once=1, seconds=10, pause=0.01))
        crowd = asyncio.run(scrape(port, at_once=20, seconds=10, pause=0.2))
        lines = httpx.get(f"http://127.0.0.1:{port}/metrics").text.splitlines()
        of_scrapes = scraped.cpu_seconds - at_rest.share * scraped.seconds
        return {
            "series": sum(not line.startswith("#") for line in lines),
            "cpu_percent_of_a_core": round(at_rest.share * 100, 3),
            "cpu_percent_one_scraper": round(scraped.share * 100, 2),
            "cpu_ms_a_scrape": round(of_scrapes * 1000 / alone.scrapes, 2),
            "rss_mb": round(resident / 1e6, 1),
            "one_scraper_ms": asdict(alone),
            "twenty_scrapers_ms": asdict(crowd),
        }


@dataclass
class Spent:
    """CPU time of a process over a while."""

    cpu_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def share(self) -> float:
        """Of one core."""
        return self.cpu_seconds / self.seconds


@contextmanager
def spent(pid: int) -> Iterator[Spent]:
    """What the process spends in the block; filled in at its end."""
    one = Spent()
    before, started = cpu_seconds(pid), time.monotonic()
    yield one
    one.cpu_seconds, one.seconds = cpu_seconds(pid) - before, time.monotonic() - started


@contextmanager
def moving(shown: Node, path: Path) -> Iterator[None]:
    """The node with a MiB more or less on every GPU each second, as where engines allocate all the time."""
    over = threading.Event()

    def move() -> None:
        moved = 0
        while not over.wait(1.0):
            moved = (moved + 1) % 100
            devices = tuple(replace(device, used=device.used + moved * MIB) for device in shown.devices)
            replace(shown, devices=devices).write(path)

    mover = threading.Thread(target=move)
    mover.start()
    try:
        yield
    finally:
        over.set()
        mover.join()


@contextmanager
def running(command: str, environment: Mapping[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The exporter, once it answers."""
    port = free_port()
    process = subprocess.Popen(
        shlex.split(command.format(port=port)), env=dict(environment), stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while not answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command} did not answer on port {port}")
            time.sleep(0.1)
        yield process, port
    finally:
        process.terminate()
        process.wait()


def answers(port: int) -> bool:
    """Whether metrics are served there."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def rss_bytes(pid: int) -> int:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


if __name__ == "__main__":
    main()
