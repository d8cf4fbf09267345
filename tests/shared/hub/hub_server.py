"""A loopback server that speaks as much of the hub's HTTP API as a look-up needs, well and badly.

https://huggingface.co/docs/hub/api: /api/models/ORG/NAME and /ORG/NAME/resolve/REVISION/FILE with ranges and redirects.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Repository:
    """One repository: its files, what the API adds, and how it misbehaves."""

    files: dict[str, bytes] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    gated_for: str | None = None  # the token that may read it
    status: int = 200
    slow_seconds: float = 0.0
    held_until: threading.Event | None = None
    drips: bool = False
    redirects_to: str | None = None
    ignores_ranges: bool = False


@dataclass
class Hub:
    """The server's repositories and what it was asked."""

    address: str
    repositories: dict[str, Repository] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A hub on a free port of 127.0.0.1."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    hub = Hub(address=f"http://127.0.0.1:{server.server_port}")
    server.hub = hub  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that hangs up in the middle is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing: tests read `asked`."""

    def do_GET(self) -> None:
        hub: Hub = self.server.hub  # type: ignore[attr-defined]
        headers = {name.lower(): value for name, value in self.headers.items()}
        hub.asked.append((self.path, headers))
        parts = self.path.lstrip("/").split("/")
        is_api = parts[:2] == ["api", "models"]
        name = "/".join(parts[2:4] if is_api else parts[:2])
        repository = hub.repositories.get(name)
        if repository is None:
            self._send(401, b"{}", {"x-error-code": "RepoNotFound"})
        elif not self._refused(repository, headers):
            if is_api:
                self._send(200, json.dumps(self._about(name, repository)).encode(), {}, repository)
            else:
                self._file("/".join(parts[4:]), repository, headers)

    def _refused(self, repository: Repository, headers: dict[str, str]) -> bool:
        time.sleep(repository.slow_seconds)
        if repository.held_until is not None:
            repository.held_until.wait(60)
        if repository.status != 200:
            self._send(repository.status, b"{}", {})
            return True
        if repository.gated_for and headers.get("authorization") != f"Bearer {repository.gated_for}":
            status = 403 if "authorization" in headers else 401
            self._send(status, b"{}", {"x-error-code": "GatedRepo"})
            return True
        return False

    def _about(self, name: str, repository: Repository) -> dict[str, Any]:
        return {
            "id": name,
            "sha": COMMIT,
            "gated": "manual" if repository.gated_for else False,
            "createdAt": "2026-05-04T10:00:00.000Z",
            "tags": ["transformers", "license:apache-2.0"],
            "siblings": [{"rfilename": file} for file in repository.files],
            **repository.about,
        }

    def _file(self, name: str, repository: Repository, headers: dict[str, str]) -> None:
        content = repository.files.get(name)
        if repository.redirects_to is not None:
            self._send(302, b"", {"location": repository.redirects_to.format(path=self.path)})
        elif content is None:
            self._send(404, b"{}", {"x-error-code": "EntryNotFound"})
        elif "range" in headers and not repository.ignores_ranges:
            start, end = (int(part) for part in headers["range"].removeprefix("bytes=").split("-"))
            if start >= len(content):
                self._send(416, b"", {})
            else:
                self._send(206, content[start : end + 1], {}, repository)
        else:
            self._send(200, content, {}, repository)

    def _send(
        self, status: int, content: bytes, headers: dict[str, str], repository: Repository | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            if repository is not None and repository.drips:
                for byte in content:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(0.05)
            else:
                self.wfile.write(content)
        except OSError:
            self.close_connection = True  # whoever asked has heard enough
