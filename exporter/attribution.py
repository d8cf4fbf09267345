"""Whose memory it is: the inference servers behind a look's processes, and what those servers say."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from exporter.engine_apis import APIS
from exporter.engine_apis.fetch import SteadyAnswers, Target, read_engines
from exporter.engine_apis.state import EngineState
from exporter.model_match import same_model
from exporter.processes import Proc, ProcessFacts, ProcessInfo
from exporter.reading import DeviceReading
from exporter.servers import Server, server_of
from exporter.simulated.source import SimulatedSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Servers by the number of each process that holds memory, and states by the server's own number.

    `reason` says why processes cannot be told apart here; empty when they can.
    """

    servers: Mapping[int, Server] = field(default_factory=dict)
    states: Mapping[int, EngineState] = field(default_factory=dict)
    reason: str = ""


Attribute = Callable[[Sequence[DeviceReading]], Attribution]


class FromProc:
    """Attribution on a real node: /proc, and the servers' own APIs on loopback.

    Args:
        proc: Where processes are read.
        ask_engines: Whether to ask servers at all.
        timeout_seconds: How long they may take, all together: they are asked at once.
        failed: Told engine and cause when one could not be read.
    """

    def __init__(
        self, proc: Proc, *, ask_engines: bool, timeout_seconds: float, failed: Callable[[str, str], None]
    ) -> None:
        self._proc = proc
        self._ask_engines = ask_engines
        self._timeout = timeout_seconds
        self._failed = failed
        self._steady = SteadyAnswers()

    def __call__(self, devices: Sequence[DeviceReading]) -> Attribution:
        """The servers on these devices."""
        reason = self._proc.why_not()
        if reason is not None:
            return Attribution(reason=reason)
        pids = {process.pid for device in devices for process in device.processes or ()}
        servers = _servers(self._proc.facts(pids))
        return Attribution(
            servers=servers, states=self._states(servers.values()) if self._ask_engines else {}
        )

    def _states(self, servers: Iterable[Server]) -> Mapping[int, EngineState]:
        targets = {
            server.pid: Target(engine=server.seen.engine, port=server.port, pid=server.pid)
            for server in servers
            if server.port is not None and server.seen.engine in APIS
        }
        states = read_engines(list(targets.values()), self._timeout, self._failed, self._steady)
        by_pid = {server.pid: server for server in servers}
        found: dict[int, EngineState] = {}
        for pid, target in targets.items():
            state = states.get(target)
            if state is None:
                continue
            if same_model(by_pid[pid].seen, state):
                found[pid] = state
            else:
                self._failed(target.engine, "other_server")
        return found


def _servers(facts: Mapping[int, ProcessFacts]) -> dict[int, Server]:
    return {pid: server for pid, one in facts.items() if (server := server_of(one)) is not None}


class FromSimulation:
    """Attribution on a simulated node: the file says the command lines, and what the servers would say."""

    def __init__(self, source: SimulatedSource) -> None:
        self._source = source

    def __call__(self, devices: Sequence[DeviceReading]) -> Attribution:
        """The servers on these devices."""
        servers: dict[int, Server] = {}
        states: dict[int, EngineState] = {}
        first_of: dict[str, int] = {}
        for pid in (process.pid for device in devices for process in device.processes or ()):
            process = self._source.processes.get(pid)
            if process is None:
                continue
            key = first_of.setdefault(process.server or str(pid), pid)
            server = server_of(ProcessFacts(chain=(ProcessInfo(pid=key, argv=process.command),)))
            if server is None:
                continue
            servers[pid] = server
            if process.engine is not None:
                said = process.engine
                used, limit = said.kv_cache_used_tokens, said.kv_cache_limit_tokens
                states[server.pid] = EngineState(
                    kv_cache_used_tokens=used,
                    kv_cache_limit_tokens=limit,
                    kv_cache_ratio=used / limit if used is not None and limit else None,
                    running_requests=said.running_requests,
                    waiting_requests=said.waiting_requests,
                    preemptions=said.preemptions,
                )
        return Attribution(servers=servers, states=states)
