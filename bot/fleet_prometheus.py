"""Reads the fleet from Prometheus' HTTP API: a few instant queries, joined here."""

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import httpx
from pydantic import TypeAdapter, ValidationError

from bot.fleet import Fleet, FleetGpu, FleetNode, FleetUnavailable, LoadedModel
from bot.fleet_http import client, get
from shared import metric_names as names

MOST_GPUS: Final = 20_000

# What names the node, best first: labels a relabelling adds, then the scrape target itself.
_NODE_LABELS: Final = ("node", "nodename", "kubernetes_node", "instance")
_GPU: Final = "instance, uuid"
_MODEL: Final = f"{_GPU}, model, quantization, engine"
_KNOWN: Final = ", ".join(
    dict.fromkeys((*_NODE_LABELS, "instance", "uuid", "index", "name", "gpu", "mig_profile", "parent_uuid"))
)

# Of 8,000 GPUs most of the time went into labels that nobody reads: each query asks for those that are read here.
_QUERIES: Final = {
    "info": f"max by ({_KNOWN}) ({names.GPU_INFO.name})",
    "free": f"max by ({_GPU}) ({names.GPU_MEMORY_FREE.name})",
    "total": f"max by ({_GPU}) ({names.GPU_MEMORY_TOTAL.name})",
    "down": names.GPU_DOWN_INFO.name,
    "loaded": f"max by ({_MODEL}) ({names.LOADED_MEMORY_USED.name})",
    "near": f"max by ({_MODEL}) ({names.LOADED_LIMIT_RATIO.name})",
    "age": f"time() - {names.POLL_TIMESTAMP.name}",
    "simulated": f"{names.SIMULATED.name} == 1",
}

Labels = Mapping[str, str]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Series:
    metric: dict[str, str]
    value: tuple[float, float]  # when, what; a number as text, "NaN" and "+Inf" included


@dataclass(frozen=True, slots=True)
class _Result:
    result: list[_Series]


@dataclass(frozen=True, slots=True)
class _Answer:
    status: Literal["success"]
    data: _Result


_ANSWER: Final = TypeAdapter(_Answer)


async def look_at_prometheus(url: str, deadline_seconds: float, stale_after_seconds: float) -> Fleet:
    """One look through Prometheus. Raises FleetUnavailable when a query fails or no GPU is known there."""
    async with client(url, deadline_seconds) as session:
        try:
            async with asyncio.TaskGroup() as group:
                running = {
                    name: group.create_task(_query(session, url, query)) for name, query in _QUERIES.items()
                }
        except* FleetUnavailable as failures:
            first = failures.exceptions[0]
            reason = first.reason if isinstance(first, FleetUnavailable) else str(first)
            raise FleetUnavailable(f"Prometheus: {reason}") from None
    answers = {name: task.result() for name, task in running.items()}
    if not answers["info"]:
        raise FleetUnavailable("Prometheus has no GPU series: does it scrape the exporters?")
    # thousands of GPUs take a while to join
    return await asyncio.to_thread(_fleet, answers, stale_after_seconds)


async def _query(session: httpx.AsyncClient, url: str, query: str) -> list[_Series]:
    body = await get(session, url.rstrip("/") + "/api/v1/query", params={"query": query})
    try:
        return _ANSWER.validate_json(body).data.result
    except ValidationError:
        raise FleetUnavailable("its answer is not a query result") from None


def _fleet(answers: Mapping[str, list[_Series]], stale_after_seconds: float) -> Fleet:
    known, free, total = answers["info"], _by_gpu(answers["free"]), _by_gpu(answers["total"])
    reasons = {_key(series.metric): series.metric.get("reason", "") for series in answers["down"]}
    loaded = _loaded_by_gpu(answers["loaded"], answers["near"])
    parents = {(labels.get("instance", ""), labels.get("parent_uuid", "")) for labels in _labels(known)}
    gpus: dict[str, list[FleetGpu]] = {}
    for labels in _labels(known[:MOST_GPUS]):
        key = _key(labels)
        if key not in parents:  # a parent in MIG mode holds no model itself
            gpu = _gpu(labels, free.get(key), total.get(key), reasons.get(key), loaded.get(key, ()))
            gpus.setdefault(_node_name(labels), []).append(gpu)
    ages = {_node_name(series.metric): series.value[1] for series in answers["age"]}
    simulated = {_node_name(labels) for labels in _labels(answers["simulated"])}
    return Fleet(
        nodes=tuple(_nodes(gpus, ages, simulated, stale_after_seconds)),
        source="Prometheus",
        problems=_left_out(len(known)),
    )


def _nodes(
    gpus: Mapping[str, list[FleetGpu]],
    ages: Mapping[str, float],
    simulated: set[str],
    stale_after_seconds: float,
) -> Iterable[FleetNode]:
    for name in sorted(gpus):
        age = max(0.0, ages.get(name, float("inf")))
        yield FleetNode(
            name=name,
            gpus=tuple(sorted(gpus[name], key=_order)),
            age_seconds=age,
            simulated=name in simulated,
            stale=age > stale_after_seconds,
        )


def _gpu(
    labels: Labels, free: int | None, total: int | None, down: str | None, loaded: Sequence[LoadedModel]
) -> FleetGpu:
    problem = None
    if down is not None:
        problem = down or "the device does not answer"
    elif free is None:
        problem = "its memory could not be read"
    return FleetGpu(
        uuid=labels.get("uuid", ""),
        index=labels.get("index", ""),
        product=labels.get("name", ""),
        gpu_id=labels.get("gpu") or None,
        total_bytes=total,
        free_bytes=None if problem else free,
        mig_profile=labels.get("mig_profile") or None,
        loaded=tuple(loaded),
        problem=problem,
    )


def _loaded_by_gpu(loaded: list[_Series], near: list[_Series]) -> Mapping[Key, list[LoadedModel]]:
    ratios = {_model_key(series.metric): series.value[1] for series in near}
    found: dict[Key, list[LoadedModel]] = {}
    for series in loaded:
        key = _model_key(series.metric)
        instance, uuid, model, quantization, engine = key
        one = LoadedModel(
            model=model,
            engine=engine,
            quantization=quantization,
            used_bytes=_bytes(series),
            limit_ratio=ratios.get(key),
        )
        found.setdefault((instance, uuid), []).append(one)
    return found


def _by_gpu(series: list[_Series]) -> dict[Key, int]:
    return {_key(one.metric): size for one in series if (size := _bytes(one)) is not None}


def _bytes(series: _Series) -> int | None:
    """None for NaN and the infinities, which Prometheus may well return."""
    value = series.value[1]
    return int(value) if math.isfinite(value) else None


def _labels(series: list[_Series]) -> Iterable[Labels]:
    return (one.metric for one in series)


def _order(gpu: FleetGpu) -> tuple[tuple[int, str], ...]:
    """By index as a number: GPU 10 after GPU 9."""
    return tuple((len(part), part) for part in gpu.index.split(":"))


def _key(labels: Labels) -> Key:
    return labels.get("instance", ""), labels.get("uuid", "")


def _model_key(labels: Labels) -> tuple[str, str, str, str, str]:
    label = labels.get
    return (
        label("instance", ""),
        label("uuid", ""),
        label("model", ""),
        label("quantization", ""),
        label("engine", ""),
    )


def _node_name(labels: Labels) -> str:
    name = next((labels[label] for label in _NODE_LABELS if labels.get(label)), "unnamed node")
    host, _, port = name.rpartition(":")
    return host if host and port == "9835" else name


def _left_out(gpus: int) -> tuple[str, ...]:
    if gpus <= MOST_GPUS:
        return ()
    return (f"only the first {MOST_GPUS:,} of {gpus:,} GPUs were read",)
