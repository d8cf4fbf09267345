"""The server against clients that behave and clients that do not, over real sockets."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus

import httpx
import pytest

from exporter.web import connection
from exporter.web.message import Request, Response
from exporter.web.server import CannotListen, Server


async def echo(request: Request) -> Response:
    return Response(body=f"you asked for {request.path}".encode())


@pytest.fixture
def counted() -> list[int]:
    return []


@pytest.fixture
def port(counted: list[int]) -> Iterator[int]:
    server = Server(echo, counted.append, max_connections=8)
    yield server.start("127.0.0.1", 0)
    server.stop()


def talk(port: int, sent: bytes) -> bytes:
    """Send bytes and read until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(sent)
        received = b""
        while chunk := client.recv(65536):
            received += chunk
    return received


def test_requests_on_one_connection_are_answered_in_order(port: int, counted: list[int]) -> None:
    both = talk(port, b"GET /one HTTP/1.1\r\n\r\nGET /two HTTP/1.1\r\nConnection: close\r\n\r\n")

    assert both.index(b"you asked for /one") < both.index(b"you asked for /two")
    assert counted == [200, 200]


def test_refusals_close_the_connection(port: int) -> None:
    assert talk(port, b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc").startswith(b"HTTP/1.1 405 ")
    assert talk(port, b"\x16\x03\x01\x02\x00 not http\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_an_endless_head_is_refused(port: int) -> None:
    assert talk(port, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 4000 + b"\r\n").startswith(b"HTTP/1.1 431 ")


def test_answers_carry_the_headers_that_keep_browsers_careful(port: int) -> None:
    answer = httpx.get(f"http://127.0.0.1:{port}/x")

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"


def test_a_silent_client_does_not_hold_up_another_and_is_let_go(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as silent:
        silent.sendall(b"GET / HT")

        assert httpx.get(f"http://127.0.0.1:{port}/").status_code == HTTPStatus.OK
        assert silent.recv(10) == b""  # closed by the server


def test_connections_beyond_the_limit_get_503_and_room_comes_back(port: int, counted: list[int]) -> None:
    with ExitStack() as crowd:
        for _ in range(8):
            one = crowd.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            one.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert one.recv(4096).startswith(b"HTTP/1.1 200")  # answered, so surely accepted

        refused = talk(port, b"GET / HTTP/1.1\r\n\r\n")

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert 503 in counted
    answers = iter(lambda: talk(port, b"GET / HTTP/1.0\r\n\r\n")[:12], None)
    assert next(answer for answer, _ in zip(answers, range(200), strict=False) if answer == b"HTTP/1.1 200")


def test_an_address_that_is_taken_is_one_sentence(port: int) -> None:
    server = Server(echo, lambda _: None, max_connections=1)

    with pytest.raises(CannotListen, match=f"cannot listen on 127.0.0.1:{port}: .*in use"):
        server.start("127.0.0.1", port)


def test_stopping_ends_open_connections_and_the_thread() -> None:
    server = Server(echo, lambda _: None, max_connections=8)
    port = server.start("127.0.0.1", 0)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as idle:
        idle.sendall(b"GET / HTTP/1.1\r\n\r\n")
        idle.recv(4096)
        server.stop()

        assert idle.recv(10) == b""
    assert "web" not in {thread.name for thread in threading.enumerate()}
