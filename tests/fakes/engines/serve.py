"""Answers from a JSON file of bodies by path: `serve.py BODIES PORT_FILE`, run as whatever the server calls itself."""

import json
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


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


if __name__ == "__main__":
    port = int(sys.argv[sys.argv.index("--port") + 1])
    with open(sys.argv[0] + ".bodies.json", encoding="utf-8") as file:  # noqa: PTH123  this file is copied and run alone
        server(json.load(file), port).serve_forever()
