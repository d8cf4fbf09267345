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
_UUID: Final = re.compile(r'"((?:GPU|MIG)-)[0-9a-f-]{8}')
# Gauges that are another number at every scrape, as they are on a real fleet: constant ones would compress too well.
_MOVING: Final = re.compile(
    r"^(fittingroom_(?:gpu_memory_(?:used|free)_bytes|gpu_utilization_ratio|gpu_power_watts|gpu_temperature_celsius"
    r"|loaded_model_kv_cache_used_tokens|loaded_model_limit_ratio|loaded_model_running_requests"
    r"|exporter_poll_duration_seconds)(?:\{[^}]*\})?) (\S+)$",
    re.MULTILINE,
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
        split = _MOVING.split(page)
        self._still = split[0::3]
        self._moving = [(name, float(value)) for name, value in zip(split[1::3], split[2::3], strict=True)]

    def page(self, node: int) -> bytes:
        """The node's page now."""
        now = time.time()
        wobble = 1 + 0.02 * ((int(now) * 2654435761 + node * 40503) % 1000) / 1000
        parts = [self._still[0]]
        for (name, value), rest in zip(self._moving, self._still[1:], strict=True):
            parts += [f"{name} {value * wobble:.6g}", rest]
        text = _UUID.sub(rf'"\g<1>{node:08x}', "".join(parts))
        timestamp = "fittingroom_exporter_last_success_timestamp_seconds"
        return re.sub(rf"^{timestamp} .*$", f"{timestamp} {now - 3}", text, flags=re.MULTILINE).encode()


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
