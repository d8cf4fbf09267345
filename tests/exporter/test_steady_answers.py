"""What a server says once and for all is asked once; what it said before does not speak for one that is gone."""

from exporter.engine_apis import fetch
from exporter.engine_apis.fetch import SteadyAnswers, Target, read_engines
from tests.fakes import engines
from tests.fakes.engines.serve import serving


class Noted(dict[str, str]):
    """Bodies that note which of them was asked for."""

    def __init__(self, shape: engines.Shape) -> None:
        super().__init__(shape)
        self.paths: list[str] = []

    def get(self, path: str, default: str | None = None) -> str | None:  # type: ignore[override]
        self.paths.append(path)
        return super().get(path, default)


def test_what_stays_the_same_is_asked_once_while_the_process_lives_and_again_after_a_while() -> None:
    now = [0.0]
    steady = SteadyAnswers(lambda: now[0])
    bodies = Noted(engines.vllm("Qwen/Qwen3-32B-AWQ"))
    paths = bodies.paths
    with serving(bodies) as port:
        target = Target(engine="vllm", port=port, pid=7)
        first, second = (read_engines([target], 5.0, lambda *_: None, steady)[target] for _ in range(2))
        assert first == second
        assert paths == ["/v1/models", "/version", "/metrics", "/metrics"]
        paths.clear()
        read_engines([Target(engine="vllm", port=port, pid=8)], 5.0, lambda *_: None, steady)
        assert paths == ["/v1/models", "/version", "/metrics"], "another process is asked everything"
        paths.clear()
        now[0] += fetch.STEADY_SECONDS + 1
        read_engines([Target(engine="vllm", port=port, pid=8)], 5.0, lambda *_: None, steady)
        assert paths == ["/v1/models", "/version", "/metrics"]


def test_a_server_that_is_gone_is_not_spoken_for_by_what_it_said_before() -> None:
    steady = SteadyAnswers()
    failures: list[tuple[str, str]] = []
    with serving(engines.vllm("Qwen/Qwen3-32B-AWQ")) as port:
        target = Target(engine="vllm", port=port, pid=7)
        assert target in read_engines([target], 5.0, lambda *_: None, steady)
    assert read_engines([target], 5.0, lambda *what: failures.append(what), steady) == {}
    assert failures == [("vllm", "refused")]
