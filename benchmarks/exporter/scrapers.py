"""Scrapes as Prometheus makes them (keep-alive, gzip, its Accept header), one by one or twenty at once."""

import asyncio
import re
import statistics
import time
from dataclasses import dataclass

_HEAD = (
    "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\nX-Prometheus-Scrape-Timeout-Seconds: 10\r\n"
    "Accept: {accept}\r\n\r\n"
)
_PROMETHEUS_ACCEPT = (
    "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"transfer-encoding: chunked", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Milliseconds from sending the request to having all of the answer."""

    scrapes: int
    p50: float
    p99: float
    worst: float
    body_bytes: int


async def scrape(port: int, *, at_once: int, seconds: float, pause: float, path: str = "/metrics") -> Latency:
    """Scrape with `at_once` connections for a while; each pauses after each scrape."""
    results = await asyncio.gather(*(_scraper(port, path, seconds, pause) for _ in range(at_once)))
    taken = sorted(one for times, _ in results for one in times)
    return Latency(
        scrapes=len(taken),
        p50=round(statistics.median(taken) * 1000, 2),
        p99=round(taken[int(len(taken) * 0.99)] * 1000, 2),
        worst=round(taken[-1] * 1000, 2),
        body_bytes=results[0][1],
    )


async def _scraper(port: int, path: str, seconds: float, pause: float) -> tuple[list[float], int]:
    request = _HEAD.format(path=path, accept=_PROMETHEUS_ACCEPT).encode()
    times: list[float] = []
    size = 0
    stop = time.perf_counter() + seconds
    connection = None
    while time.perf_counter() < stop:
        started = time.perf_counter()
        if connection is None:
            connection = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        reader, writer = connection
        writer.write(request)
        size, keeps = await _answer(reader)
        times.append(time.perf_counter() - started)
        if (
            not keeps
        ):  # some exporters answer in HTTP/1.0 and close; a new connection is then part of a scrape
            writer.close()
            connection = None
        await asyncio.sleep(pause)
    if connection is not None:
        connection[1].close()
    return times[1:], size  # the first opens the connection, which Prometheus does once a day


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Read one answer; its size, and whether the connection stays open."""
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise RuntimeError(head.split(b"\r\n", 1)[0].decode())
    length = _LENGTH.search(head)
    if length is not None and head.startswith(b"HTTP/1.1"):
        await reader.readexactly(int(length[1]))
        return int(length[1]), True
    if _CHUNKED.search(head):
        size = 0
        while (chunk := int((await reader.readline()).strip(), 16)) > 0:
            await reader.readexactly(chunk + 2)
            size += chunk
        await reader.readline()
        return size, True
    return len(await reader.read()), False
