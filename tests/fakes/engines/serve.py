"""A loopback server of fixed bodies, with a worker process: what an inference server looks like from outside."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def server(bodies: Mapping[str, str], port: int = 0) -> ThreadingHTTPServer:
    """A server of these bodies on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = bodies.get(self.path)
            self.send_response(200 if body is not None else 404)
            content = (body or "not found").encode()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


@contextmanager
def serving(bodies: Mapping[str, str]) -> Iterator[int]:
    """Serve in this process; gives the port."""
    one = server(bodies)
    thread = threading.Thread(target=one.serve_forever, daemon=True)
    thread.start()
    try:
        yield one.server_address[1]
    finally:
        one.shutdown()
        one.server_close()
        thread.join()


def main(argv: list[str]) -> None:
    """Run as a copy under another name: bodies, the worker's title and the place for its number lie beside it."""
    beside = Path(argv[0])
    bodies = json.loads(beside.with_suffix(".bodies").read_text(encoding="utf-8"))
    title = beside.with_suffix(".worker").read_text(encoding="utf-8")
    worker = subprocess.Popen(
        [title, "600"], executable="/bin/sleep"
    )  # the title takes the command line's place
    beside.with_suffix(".pid").write_text(str(worker.pid))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        server(bodies, int(argv[argv.index("--port") + 1])).serve_forever()
    finally:
        worker.kill()
        worker.wait()


if __name__ == "__main__":
    main(sys.argv)
