"""Which model sits where, how near its limit, and what we predicted for it (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from exporter.attribution import Attribution
from exporter.engine_apis.state import EngineState
from exporter.model_match import MatchedModel
from exporter.prediction import Predicted
from exporter.reading import DeviceReading
from exporter.recognition import Recognition
from exporter.servers import Server
from shared.catalog.rows import Gpu
from shared.node_report import LoadedModelReport, WorkloadReport

_GROWS: Final = frozenset(
    {"transformers"}
)  # takes memory as it needs it; the others take theirs at the start


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """One server's part of one device."""

    server: Server
    used_bytes: int | None
    matched: MatchedModel
    state: EngineState | None
    predicted: Predicted | None


def loaded_models(
    devices: Sequence[DeviceReading],
    attribution: Attribution,
    rows: Mapping[str, Gpu],
    pods: Mapping[str, tuple[WorkloadReport, ...]],
    recognition: Recognition,
) -> dict[str, tuple[LoadedModelReport, ...]]:
    """The models on each device by its uuid; several servers of one model on one device are one entry."""
    found: dict[str, dict[tuple[str, str, str], LoadedModelReport]] = {}
    for device, share in _shares(devices, attribution, rows, recognition):
        report = _report(device, share, pods.get(device.identity.uuid, ()))
        on_device = found.setdefault(device.identity.uuid, {})
        key = report.model, report.quantization, report.engine
        on_device[key] = _joined(on_device[key], report) if key in on_device else report
    return {uuid: tuple(reports.values()) for uuid, reports in found.items()}


def unattributed_bytes(
    device: DeviceReading, models: Sequence[LoadedModelReport], *, readable: bool
) -> int | None:
    """Used memory that no recognised model accounts for; None where processes or their sizes cannot be read."""
    used = device.memory.used_bytes if device.memory else None
    if used is None or device.processes is None or not readable:
        return None
    if any(model.memory_used_bytes is None for model in models):
        return None
    return max(0, used - sum(model.memory_used_bytes or 0 for model in models))


def _shares(
    devices: Sequence[DeviceReading],
    attribution: Attribution,
    rows: Mapping[str, Gpu],
    recognition: Recognition,
) -> list[tuple[DeviceReading, _Share]]:
    """Every server's part of every device it holds memory on."""
    held: dict[int, dict[str, list[int | None]]] = {}
    servers: dict[int, Server] = {}
    by_uuid = {device.identity.uuid: device for device in devices}
    for device in devices:
        for process in device.processes or ():
            server = attribution.servers.get(process.pid)
            if server is not None:
                servers[server.pid] = server
                held.setdefault(server.pid, {}).setdefault(device.identity.uuid, []).append(
                    process.used_bytes
                )
    shares: list[tuple[DeviceReading, _Share]] = []
    for pid, sizes in held.items():
        server, state = servers[pid], attribution.states.get(pid)
        known_rows = tuple(rows[uuid] for uuid in sizes if uuid in rows)
        recognised = recognition.of(server.seen, state, known_rows if len(known_rows) == len(sizes) else ())
        for place, (uuid, parts) in enumerate(sizes.items()):
            known = [part for part in parts if part is not None]
            share = _Share(
                server=server,
                used_bytes=sum(known) if len(known) == len(parts) else None,
                matched=recognised.matched,
                state=state,
                predicted=recognised.predicted[place] if recognised.predicted else None,
            )
            shares.append((by_uuid[uuid], share))
    return shares


def _report(device: DeviceReading, share: _Share, pods: tuple[WorkloadReport, ...]) -> LoadedModelReport:
    seen, state, used, predicted = share.server.seen, share.state, share.used_bytes, share.predicted
    limit = _memory_limit(device, share)
    ratio, resource = _nearness(share, limit)
    source: Literal["api", "argv", "none"] = "argv" if seen.model is not None else "none"
    if state is not None and state.names:
        source = "api"
    per_sequence = state.context_tokens if state else None
    return LoadedModelReport(
        model=share.matched.name,
        quantization=share.matched.quantization_name,
        engine=seen.engine,
        in_catalog=share.matched.model is not None,
        source=source,
        context_tokens=seen.context_tokens or per_sequence,
        engine_version=state.version if state else None,
        memory_used_bytes=used,
        memory_limit_bytes=limit,
        kv_cache_used_tokens=state.kv_cache_used_tokens if state else None,
        kv_cache_limit_tokens=_kv_limit(share),
        limit_ratio=ratio,
        limit_resource=resource,
        running_requests=state.running_requests if state else None,
        waiting_requests=state.waiting_requests if state else None,
        preemptions=state.preemptions if state else None,
        predicted_bytes=predicted.total_bytes if predicted else None,
        predicted_uncertainty_bytes=predicted.uncertainty_bytes if predicted else None,
        prediction_error_ratio=predicted.total_bytes / used - 1 if predicted and used else None,
        workloads=_workloads(share.server, pods),
    )


def _memory_limit(device: DeviceReading, share: _Share) -> int | None:
    """What the model may grow to on this device.

    vLLM and its like: the share they were given. llama.cpp: what it took at its start. An engine that grows: that and
    all that is free. An engine we do not know: not known.
    """
    used, predicted = share.used_bytes, share.predicted
    if used is None or device.memory is None:
        return None
    if share.server.seen.engine in _GROWS:
        return used + device.memory.free_bytes
    if predicted is not None and predicted.budget_bytes is not None:
        return max(used, predicted.budget_bytes)
    return used if share.server.seen.engine in {"llama.cpp", "ollama"} else None


def _nearness(share: _Share, limit: int | None) -> tuple[float | None, Literal["kv_cache", "memory"] | None]:
    """How near the model is to what binds it, and what that is."""
    if share.state is not None and share.state.kv_cache_ratio is not None:
        return min(1.0, share.state.kv_cache_ratio), "kv_cache"
    if share.server.seen.engine in _GROWS and share.used_bytes is not None and limit:
        return share.used_bytes / limit, "memory"
    return None, None


def _kv_limit(share: _Share) -> int | None:
    """The KV cache's size in tokens: as the engine says, or for llama.cpp as it was started."""
    if share.state is not None and share.state.kv_cache_limit_tokens is not None:
        return share.state.kv_cache_limit_tokens
    return share.server.seen.context_tokens if share.server.seen.engine == "llama.cpp" else None


def _workloads(server: Server, pods: tuple[WorkloadReport, ...]) -> tuple[WorkloadReport, ...]:
    """The container the server runs in.

    A device that one container was given is that container's. Of a shared one the kubelet does not say whose process
    this is: then the pod is told by the uid in the process's cgroup.
    """
    if len(pods) == 1:
        return pods
    if server.pod_uid is None:
        return ()
    return (WorkloadReport(namespace="", pod=server.pod_uid, container=server.container_id or ""),)


def _joined(first: LoadedModelReport, second: LoadedModelReport) -> LoadedModelReport:
    """Two servers of the same model on one device: amounts add up, the nearer limit counts."""
    added = {
        name: None if (a := getattr(first, name)) is None or (b := getattr(second, name)) is None else a + b
        for name in (
            "memory_used_bytes", "memory_limit_bytes", "kv_cache_used_tokens", "kv_cache_limit_tokens",
            "running_requests", "waiting_requests", "preemptions", "predicted_bytes", "predicted_uncertainty_bytes",
        )
    }  # fmt: skip
    nearer = max(first, second, key=lambda one: one.limit_ratio if one.limit_ratio is not None else -1.0)
    used, predicted = added["memory_used_bytes"], added["predicted_bytes"]
    return first.model_copy(
        update={
            **added,
            "instances": first.instances + second.instances,
            "limit_ratio": nearer.limit_ratio,
            "limit_resource": nearer.limit_resource,
            "prediction_error_ratio": predicted / used - 1 if predicted is not None and used else None,
            "context_tokens": first.context_tokens if first.context_tokens == second.context_tokens else None,
            "workloads": tuple(dict.fromkeys((*first.workloads, *second.workloads))),
        }
    )
