"""From processes to the inference servers they belong to (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from exporter.engine_apis import APIS
from exporter.processes import ProcessFacts, ProcessInfo
from shared.engines import ENGINES
from shared.engines.engine import SeenCommand

OLLAMA: Final = "ollama"
_LARGEST_PORT: Final = 65535
# Titles that servers give their workers in place of a command line, and whose they are.
_TITLES: Final = (("vllm::", "vllm"), ("sglang::", "sglang"))
_PORT_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {"tgi": ("--port", "-p"), OLLAMA: ()}
_LOOPBACK_HOSTS: Final = frozenset({"", "0.0.0.0", "::", "localhost", "127.0.0.1", "::1"})  # noqa: S104  what others listen on


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """An inference server and the process that was started as it.

    `port` is None when it cannot be reached over loopback.
    """

    pid: int
    seen: SeenCommand
    port: int | None
    pod_uid: str | None = None
    container_id: str | None = None


@lru_cache(maxsize=512)  # processes keep their command lines from one look to the next
def server_of(facts: ProcessFacts) -> Server | None:
    """The server a process belongs to: the nearest of itself and its ancestors that was started as one."""
    title: str | None = None
    for position, info in enumerate(facts.chain):
        parent = facts.chain[position + 1] if position + 1 < len(facts.chain) else None
        seen = _seen(info.argv, parent)
        if seen is not None:
            pid = parent.pid if seen.engine == OLLAMA and parent is not None else info.pid
            return Server(
                pid=info.pid if seen.engine != OLLAMA else pid,
                seen=seen,
                port=_port(seen.engine, info.argv),
                pod_uid=facts.pod_uid,
                container_id=facts.container_id,
            )
        title = title or _title(info.argv)
    if title is None:
        return None
    # The parent is gone or hidden: the engine is known by its worker's title, the model is not.
    return Server(
        pid=facts.chain[0].pid,
        seen=SeenCommand(engine=title),
        port=None,
        pod_uid=facts.pod_uid,
        container_id=facts.container_id,
    )


def _seen(argv: Sequence[str], parent: ProcessInfo | None) -> SeenCommand | None:
    """What a command line says it runs, by the engines' own readers; Ollama's runners by their parent."""
    program = argv[0].rpartition("/")[2] if argv else ""
    own_runner = program == OLLAMA and "runner" in argv[1:3]
    under_ollama = own_runner or _is_ollama(parent)
    for module in ENGINES.values():
        read = getattr(module, "process", None)
        seen: SeenCommand | None = read(argv) if read is not None else None
        if seen is not None:
            return replace(seen, engine=OLLAMA) if under_ollama else seen
    return SeenCommand(engine=OLLAMA) if own_runner else None


def _is_ollama(parent: ProcessInfo | None) -> bool:
    return parent is not None and bool(parent.argv) and parent.argv[0].rpartition("/")[2] == OLLAMA


def _title(argv: Sequence[str]) -> str | None:
    name = argv[0].lower() if argv else ""
    return next((engine for start, engine in _TITLES if name.startswith(start)), None)


def _port(engine: str, argv: Sequence[str]) -> int | None:
    """The port it was told to listen on, else its engine's default; None when it is not on loopback."""
    api = APIS.get(engine)
    if api is None:
        return None
    host = _value(argv, ("--host", "--hostname")) if engine != OLLAMA else None
    if host is not None and host not in _LOOPBACK_HOSTS and not host.startswith("127."):
        return None
    given = _value(argv, _PORT_OPTIONS.get(engine, ("--port",)))
    if given is None:
        return api.DEFAULT_PORT
    return int(given) if given.isdecimal() and 0 < int(given) <= _LARGEST_PORT else None


def _value(argv: Sequence[str], names: Sequence[str]) -> str | None:
    """The last value of an option, as `--name value` or `--name=value`."""
    found: str | None = None
    for position, word in enumerate(argv):
        name, equals, value = word.partition("=")
        if name in names:
            found = value if equals else argv[position + 1] if position + 1 < len(argv) else None
    return found
