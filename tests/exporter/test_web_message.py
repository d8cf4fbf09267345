"""HTTP heads: what we take and what we refuse."""

from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.web.message import BadRequest, Response, parse_head, render


def test_a_request_is_read_with_its_query_and_headers() -> None:
    request = parse_head(b"GET /metrics?name[]=up&name[]=x HTTP/1.1\r\nHost: a\r\nAccept: a\r\naccept: b")

    assert (request.method, request.path, request.query) == ("GET", "/metrics", {"name[]": ["up", "x"]})
    assert request.headers["accept"] == "a, b"
    assert request.keep_alive


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"", HTTPStatus.BAD_REQUEST),
        (b"GET /", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/2", HTTPStatus.BAD_REQUEST),
        (b"GET http://elsewhere/ HTTP/1.1", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nbroken", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nHost : a", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\n continued: a", HTTPStatus.BAD_REQUEST),
        (b"POST / HTTP/1.1", HTTPStatus.METHOD_NOT_ALLOWED),
        (b"GET / HTTP/1.1\r\nContent-Length: 5", HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked", HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        (b"GET /?" + b"&".join([b"a=1"] * 101) + b" HTTP/1.1", HTTPStatus.BAD_REQUEST),
    ],
)
def test_what_is_no_simple_reading_is_refused(head: bytes, status: HTTPStatus) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_head(head)

    assert refused.value.status is status


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_a_refusal(head: bytes) -> None:
    try:
        request = parse_head(head)
    except BadRequest:
        return
    assert request.method in {"GET", "HEAD"}


@pytest.mark.parametrize(
    ("line", "header", "stays"),
    [
        (b"HTTP/1.1", b"", True),
        (b"HTTP/1.1", b"Connection: close", False),
        (b"HTTP/1.0", b"", False),
        (b"HTTP/1.0", b"Connection: Keep-Alive", True),
    ],
)
def test_connections_stay_open_as_the_version_and_header_say(line: bytes, header: bytes, stays: bool) -> None:
    assert parse_head(b"GET / " + line + (b"\r\n" + header if header else b"")).keep_alive is stays


def test_a_head_request_is_told_the_length_and_not_sent_the_body() -> None:
    sent = render(Response(body=b"hello"), head_only=True, keep_alive=True)

    assert b"Content-Length: 5\r\n" in sent
    assert sent.endswith(b"\r\n\r\n")
