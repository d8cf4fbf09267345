"""The metrics pages of many nodes, made from one real exporter's page and served by one small server."""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

NODE: Final = Path(__file__).with_name("node.toml")
# What differs between nodes and between scrapes: ids, gauges that are another number each time as they are on a real
# fleet (constant ones would compress too well), and the time of the last look.
_MOVING: Final = re.compile(
    r"(fittingroom_(?:gpu_memory_(?:used|free)_bytes|gpu_utilization_ratio|gpu_power_watts|gpu_temperature_celsius"
    r"|loaded_model_kv_cache_used_tokens|loaded_model_limit_ratio|loaded_model_running_requests"
    r"|exporter_poll_duration_seconds|exporter_last_success_timestamp_seconds)(?:\{[^}]*\})? )(\S+)\n"
)


def one_page(candidates: Path | None) -> str:
    """What a real exporter says of the simulated node."""
    command = [
        sys.executable,
        "-m",
        "exporter",
        "--simulate",
        str(NODE),
        "--once",
        "--series-limit",
        "1000000",
    ]
    command += ["--log-level", "error"]
    if candidates is not None:
        command += ["--candidates", str(candidates)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Fleet:
    """Pages of `nodes` nodes; each has GPUs of its own and numbers that move."""

    def __init__(self, page: str, nodes: int) -> None:
        self.nodes = nodes
        self.series = sum(1 for line in page.splitlines() if line and not line.startswith("#"))
        self._parts: list[str] = []
        self._uuids: list[int] = []  # places in _parts
        self._numbers: list[tuple[int, float]] = []
        self._time = -1
        for line in page.splitlines(keepends=True):
            self._add(line)

    def _add(self, line: str) -> None:
        if found := _MOVING.fullmatch(line):
            self._add_text(found.group(1))
            if "timestamp" in line:
                self._time = len(self._parts)
            self._numbers.append((len(self._parts), float(found.group(2))))
            self._parts += ["", "\n"]
        else:
            self._add_text(line)

    def _add_text(self, text: str) -> None:
        for place, part in enumerate(re.split(r'(?<="GPU-)[0-9a-f]{8}', text)):
            if place:
                self._uuids.append(len(self._parts))
                self._parts.append("")
            self._parts.append(part)

    def page(self, node: int) -> bytes:
        """The node's page now."""
        now = time.time()
        wobble = 1 + 0.02 * ((int(now) * 2654435761 + node * 40503) % 1000) / 1000
        parts, node_id = self._parts.copy(), f"{node:08x}"
        for place in self._uuids:
            parts[place] = node_id
        for place, value in self._numbers:
            parts[place] = f"{now - 3:.3f}" if place == self._time else f"{value * wobble:.6g}"
        return "".join(parts).encode()


@contextmanager
def served(fleet: Fleet) -> Iterator[int]:
    """The fleet at http://127.0.0.1:PORT/NODE/metrics; gives the port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # Prometheus keeps its connections

        def do_GET(self) -> None:
            body = fleet.page(int(self.path.split("/")[1]))
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: a line per scrape says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
