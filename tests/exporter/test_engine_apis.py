"""What each engine says of itself, in its own shapes, and what a hostile or slow server can do."""

import socket
import threading
from collections.abc import Callable
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.engine_apis import APIS, fetch
from exporter.engine_apis.fetch import Target, read_engines
from exporter.engine_apis.state import EngineState
from tests.fakes import engines
from tests.fakes.engines.serve import serving


def ask(engine: str, shape: engines.Shape) -> EngineState:
    """The state of a loopback server of this shape, read as the exporter does."""
    failures: list[tuple[str, str]] = []
    with serving(shape) as port:
        target = Target(engine=engine, port=port)
        states = read_engines([target], 5.0, lambda *what: failures.append(what))
    assert failures == []
    return states[target]


def test_vllm_tells_its_pool_its_queue_and_how_often_it_threw_requests_out() -> None:
    assert ask("vllm", engines.vllm("Qwen/Qwen3-32B-AWQ", usage=0.93, waiting=5)) == EngineState(
        names=("Qwen/Qwen3-32B-AWQ", "Qwen/Qwen3-32B-AWQ"),
        version="0.29.0",
        context_tokens=16384,
        kv_cache_used_tokens=14880,
        kv_cache_limit_tokens=16000,
        kv_cache_ratio=0.93,
        running_requests=3,
        waiting_requests=5,
        preemptions=7,
    )


def test_an_older_vllm_says_the_same_under_other_names() -> None:
    state = ask("vllm", engines.vllm_old("m"))

    assert (state.kv_cache_ratio, state.kv_cache_limit_tokens, state.kv_cache_used_tokens) == (
        0.25,
        6400,
        1600,
    )


def test_sglangs_ranks_are_not_added_up() -> None:
    state = ask("sglang", engines.sglang("Qwen/Qwen3-32B"))

    assert (state.kv_cache_used_tokens, state.kv_cache_limit_tokens, state.kv_cache_ratio) == (
        123859,
        294902,
        0.42,
    )
    assert (state.running_requests, state.waiting_requests, state.context_tokens) == (4, 2, 32768)


def test_tgi_is_bound_by_the_token_budget_of_its_batch() -> None:
    state = ask("tgi", engines.tgi("meta-llama/Llama-3.1-8B-Instruct"))

    assert (state.kv_cache_ratio, state.running_requests, state.waiting_requests) == (0.95, 6, 5)


def test_llama_cpp_is_as_near_its_limit_as_its_fullest_slot_and_its_prompts_are_not_kept() -> None:
    state = ask("llama.cpp", engines.llama_cpp("/models/x-Q4_K_M.gguf"))

    assert (state.kv_cache_used_tokens, state.kv_cache_ratio) == (4100, 4000 / 4096)
    assert (state.sequences, state.context_tokens, state.running_requests, state.waiting_requests) == (
        3,
        4096,
        2,
        3,
    )
    assert "secret" not in repr(state)


def test_llama_cpp_without_its_optional_pages_still_tells_its_context() -> None:
    shape = {"/props": engines.llama_cpp("/models/x.gguf")["/props"]}

    state = ask("llama.cpp", shape)

    assert (state.context_tokens, state.sequences) == (4096, 3)
    assert (state.kv_cache_ratio, state.kv_cache_used_tokens, state.running_requests) == (None, None, None)


def test_ollama_answers_for_one_model_and_not_for_several() -> None:
    one, two = (
        ask("ollama", engines.ollama("qwen3:8b")),
        ask("ollama", engines.ollama("qwen3:8b", "gemma3:27b")),
    )

    assert (one.names, one.quantization, one.context_tokens) == (("qwen3:8b", "qwen3:8b"), "Q4_K_M", 8192)
    assert (two.names, two.version) == ((), "0.33.0")


@pytest.mark.parametrize("engine", APIS)
@given(bodies=st.lists(st.binary(max_size=200) | st.none(), min_size=4, max_size=4))
def test_any_answer_at_all_is_a_state(engine: str, bodies: list[bytes | None]) -> None:
    APIS[engine].state(dict(zip(APIS[engine].PATHS, bodies, strict=False)))


@pytest.mark.parametrize("engine", APIS)
@pytest.mark.parametrize(
    "body",
    [b"[]", b"null", b'"x"', b"{}", b'{"data": 3}', b'{"models": [1]}', b"[" * 5000, b'[{"n_ctx": "a"}]'],
)
def test_json_of_another_shape_says_nothing(engine: str, body: bytes) -> None:
    state = APIS[engine].state(dict.fromkeys(APIS[engine].PATHS, body))

    assert state.kv_cache_limit_tokens is None
    assert state.names == ()


Failures = list[tuple[str, str]]


def misbehave(
    how: Callable[[socket.socket, threading.Event], None],
) -> tuple[dict[Target, EngineState], Failures]:
    """What comes of reading a server that does `how` with each connection until released, which is only afterwards.

    That this returns at all shows that the reader does not wait for the server.
    """
    failures: Failures = []
    released = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with closing(connection):
                    try:
                        how(connection, released)
                    except OSError:
                        continue

        threading.Thread(target=accept, daemon=True).start()
        target = Target(engine="vllm", port=listener.getsockname()[1])
        states = read_engines([target], 0.3, lambda *what: failures.append(what))
        released.set()
        listener.shutdown(socket.SHUT_RDWR)
    return states, failures


def test_a_server_that_never_answers_is_left() -> None:
    assert misbehave(lambda _, released: released.wait(30) and None) == ({}, [("vllm", "timeout")])


def test_a_server_that_drips_its_answer_is_left() -> None:
    def drip(connection: socket.socket, released: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not released.wait(0.05):
            connection.sendall(b"x")

    assert misbehave(drip) == ({}, [("vllm", "timeout")])


def test_an_endless_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_MOST_BYTES", 100_000)

    def flood(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b"x" * 10_000)

    states, failures = misbehave(flood)

    assert failures == []
    assert list(states.values()) == [EngineState()]


def test_a_server_that_keeps_the_connection_open_is_asked_everything_over_one() -> None:
    asked: list[list[bytes]] = []

    def answer(connection: socket.socket, _: threading.Event) -> None:
        paths: list[bytes] = []
        asked.append(paths)
        while head := connection.recv(4096):
            paths.append(head.split(b" ")[1])
            body = b'{"version": "0.29.0"}'
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    states, failures = misbehave(answer)

    assert asked == [[b"/v1/models", b"/version", b"/metrics"]]
    assert ([state.version for state in states.values()], failures) == (["0.29.0"], [])


def test_a_server_that_promises_an_answer_for_ever_is_left() -> None:
    def promise(connection: socket.socket, released: threading.Event) -> None:
        while not released.is_set():
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)

    assert misbehave(promise) == ({}, [("vllm", "timeout")])


def test_garbage_and_closed_ports_are_counted_by_cause() -> None:
    assert misbehave(lambda connection, _: connection.sendall(b"\x00\xff nonsense"))[1] == [
        ("vllm", "broken")
    ]

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    failures: list[tuple[str, str]] = []
    read_engines([Target(engine="vllm", port=port)], 1.0, lambda *what: failures.append(what))
    assert failures == [("vllm", "refused")]


def test_servers_are_asked_at_once_and_not_one_after_the_other() -> None:
    """Each answers only when all of them have been asked."""
    failures: Failures = []
    together = threading.Barrier(len(APIS))

    def accept(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with closing(connection):
            together.wait(30)

    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in APIS]
    for listener in listeners:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
    ports = [listener.getsockname()[1] for listener in listeners]
    targets = [Target(engine=engine, port=port) for engine, port in zip(APIS, ports, strict=True)]
    read_engines(targets, 30.0, lambda *what: failures.append(what))
    for listener in listeners:
        listener.close()

    assert sorted(failures) == sorted((engine, "broken") for engine in APIS)
