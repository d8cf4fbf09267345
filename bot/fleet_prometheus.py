"""Reads the fleet from Prometheus' HTTP API: a few instant queries, joined here."""

import asyncio
import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Literal

import httpx
from pydantic import AfterValidator, BaseModel, ValidationError

from bot.fleet import Fleet, FleetGpu, FleetNode, FleetUnavailable, LoadedModel
from bot.fleet_http import client, get
from shared import metric_names as names

MOST_GPUS: Final = 20_000

_QUERIES: Final = {
    "info": names.GPU_INFO.name,
    "free": names.GPU_MEMORY_FREE.name,
    "total": names.GPU_MEMORY_TOTAL.name,
    "down": names.GPU_DOWN_INFO.name,
    "loaded": names.LOADED_MEMORY_USED.name,
    "near": f"max without (resource) ({names.LOADED_LIMIT_RATIO.name})",
    "age": f"time() - {names.POLL_TIMESTAMP.name}",
    "simulated": f"{names.SIMULATED.name} == 1",
}
# What names the node, best first: labels a relabelling adds, then the scrape target itself.
_NODE_LABELS: Final = ("node", "nodename", "kubernetes_node", "instance")

Labels = Mapping[str, str]
Key = tuple[str, str]


def _number(text: str) -> str:
    float(text)  # raises ValueError, which pydantic reports
    return text


class _Series(BaseModel):
    metric: dict[str, str]
    value: tuple[float, Annotated[str, AfterValidator(_number)]]


class _Result(BaseModel):
    result: list[_Series]


class _Answer(BaseModel):
    status: Literal["success"]
    data: _Result


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
        return _Answer.model_validate_json(body).data.result
    except ValidationError:
        raise FleetUnavailable("its answer is not a query result") from None


def _fleet(answers: Mapping[str, list[_Series]], stale_after_seconds: float) -> Fleet:
    free, total = _by_gpu(answers["free"]), _by_gpu(answers["total"])
    reasons = {_key(series.metric): series.metric.get("reason", "") for series in answers["down"]}
    near = {_loaded_key(series.metric): float(series.value[1]) for series in answers["near"]}
    loaded: dict[Key, list[LoadedModel]] = {}
    for series in answers["loaded"]:
        loaded.setdefault(_key(series.metric), []).append(_loaded(series, near))
    parents = {(_instance(series.metric), series.metric.get("parent_uuid", "")) for series in answers["info"]}
    gpus: dict[str, list[FleetGpu]] = {}
    for series in answers["info"][:MOST_GPUS]:
        key = _key(series.metric)
        if key not in parents:  # a parent in MIG mode holds no model itself
            gpu = _gpu(series.metric, free.get(key), total.get(key), reasons.get(key), loaded.get(key, []))
            gpus.setdefault(_node_name(series.metric), []).append(gpu)
    ages = {_node_name(series.metric): float(series.value[1]) for series in answers["age"]}
    simulated = {_node_name(series.metric) for series in answers["simulated"]}
    return Fleet(
        nodes=tuple(_nodes(gpus, ages, simulated, stale_after_seconds)),
        source="Prometheus",
        problems=_left_out(len(answers["info"])),
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
    labels: Labels, free: int | None, total: int | None, down: str | None, loaded: list[LoadedModel]
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


def _loaded(series: _Series, near: Mapping[tuple[str, ...], float]) -> LoadedModel:
    labels = series.metric
    return LoadedModel(
        model=labels.get("model", ""),
        engine=labels.get("engine", ""),
        quantization=labels.get("quantization", ""),
        used_bytes=_bytes(series),
        limit_ratio=near.get(_loaded_key(labels)),
    )


def _by_gpu(series: list[_Series]) -> dict[Key, int]:
    return {_key(one.metric): size for one in series if (size := _bytes(one)) is not None}


def _bytes(series: _Series) -> int | None:
    """None for NaN and the infinities, which Prometheus may well return."""
    value = float(series.value[1])
    return int(value) if math.isfinite(value) else None


def _order(gpu: FleetGpu) -> tuple[tuple[int, str], ...]:
    """By index as a number: GPU 10 after GPU 9."""
    return tuple((len(part), part) for part in gpu.index.split(":"))


def _instance(labels: Labels) -> str:
    return labels.get("instance", "")


def _key(labels: Labels) -> Key:
    return _instance(labels), labels.get("uuid", "")


def _loaded_key(labels: Labels) -> tuple[str, ...]:
    return (*_key(labels), *(labels.get(name, "") for name in ("model", "quantization", "engine")))


def _node_name(labels: Labels) -> str:
    name = next((labels[label] for label in _NODE_LABELS if labels.get(label)), "unnamed node")
    host, _, port = name.rpartition(":")
    return host if host and port == "9835" else name


def _left_out(gpus: int) -> tuple[str, ...]:
    if gpus <= MOST_GPUS:
        return ()
    return (f"only the first {MOST_GPUS:,} of {gpus:,} GPUs were read",)
