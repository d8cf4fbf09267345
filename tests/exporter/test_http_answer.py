"""An engine's answer is the same however its bytes arrive, and one that is none is said to be none."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.engine_apis.http_answer import BrokenAnswer, HttpAnswer

BODY = b'{"data": [1, 2, 3]}'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
WHOLE = {
    "by length": b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n" + BODY,
    "in chunks": CHUNKED + b"5\r\n" + BODY[:5] + b"\r\nE;note=x\r\n" + BODY[5:] + b"\r\n0\r\n\r\n",
    "after a hint": b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n" + BODY,
}
UNTIL_THE_END = {
    "without length": b"HTTP/1.1 200 OK\r\n\r\n" + BODY,
    "of an old server": b"HTTP/1.0 200 OK\r\nServer: BaseHTTP/0.6\r\n\r\n" + BODY,
}


def fed(*pieces: bytes, most: int = 1000) -> HttpAnswer:
    answer = HttpAnswer(most)
    for piece in pieces:
        if not answer.done:
            answer.feed(piece)
    return answer


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(edges)]


@pytest.mark.parametrize("how", WHOLE)
@given(cuts=st.lists(st.integers(0, 1000), max_size=30))
def test_an_answer_is_whole_at_its_last_byte_however_it_is_cut(how: str, cuts: list[int]) -> None:
    *first, last = pieces(WHOLE[how], cuts)
    answer = fed(*first)
    if how != "in chunks":  # its end is known before the empty line after it
        assert not answer.done
    answer = fed(*first, last)

    assert (answer.done, answer.body) == (True, BODY)


@pytest.mark.parametrize("how", UNTIL_THE_END)
@given(cuts=st.lists(st.integers(0, 1000), max_size=30))
def test_an_answer_without_a_length_ends_with_its_connection(how: str, cuts: list[int]) -> None:
    answer = fed(*pieces(UNTIL_THE_END[how], cuts))
    assert not answer.done
    answer.feed(b"")

    assert (answer.done, answer.body, answer.keeps_open) == (True, BODY, False)


def test_only_an_answer_that_ends_where_it_says_leaves_the_connection_open() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"

    assert fed(head + b"\r\nab").keeps_open
    assert fed(CHUNKED + b"1\r\na\r\n0\r\n\r\n").keeps_open
    assert not fed(head + b"Connection: close\r\n\r\nab").keeps_open
    assert not fed(head + b"\r\nabc").keeps_open
    assert not fed(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab").keeps_open


def test_what_a_server_does_not_have_has_no_body() -> None:
    assert fed(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found").body is None
    assert fed(b"HTTP/1.1 204 No Content\r\n\r\n").done


@pytest.mark.parametrize("how", [*WHOLE, *UNTIL_THE_END])
def test_what_lies_beyond_the_most_is_not_kept_and_its_connection_not_used_again(how: str) -> None:
    answer = fed((WHOLE | UNTIL_THE_END)[how], most=7)

    assert (answer.done, answer.body, answer.keeps_open) == (True, BODY[:7], False)


@pytest.mark.parametrize(
    "data",
    [
        (b"",),
        (b"\x00\xff nonsense",),
        (b"SSH-2.0-OpenSSH_9.6\r\n",),
        (b"HTTP/2 200\r\n\r\n",),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000,),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n",),
        (CHUNKED + b"zz\r\n",),
        (CHUNKED + b"1" * 2000,),
        (CHUNKED + b"5\r\nab", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\nab", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 5000, b""),
    ],
)
def test_what_is_no_answer_or_only_its_beginning_is_refused(data: tuple[bytes, ...]) -> None:
    with pytest.raises(BrokenAnswer):
        fed(*data)


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_no_bytes_at_all_do_more_harm_than_being_refused(data: list[bytes]) -> None:
    try:
        answer = fed(b"HTTP/1.1 200 OK\r\n", *(piece for piece in data if piece))
    except BrokenAnswer:
        return
    assert answer.body is None or len(answer.body) <= 1000
