"""Reads the fleet from Prometheus: what moves at every look, what stays only when it may have changed."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import httpx

from bot.fleet import Fleet, FleetGpu, FleetNode, FleetUnavailable, LoadedModel
from bot.fleet_devices import BY_GPU, Device, Devices, Key, devices, key_of, left_out, node_name
from bot.fleet_devices import QUERIES as STILL
from bot.fleet_http import client
from bot.prometheus_query import Labels, Series, ask
from shared import metric_names as names

KEPT_SECONDS: Final = 120.0  # a look uses no older names and sizes; the bot reads them anew every minute

_MODEL: Final = f"{BY_GPU}, model, quantization, engine"
_STATE: Final = {
    "free": f"max by ({BY_GPU}) ({names.GPU_MEMORY_FREE.name})",
    "down": names.GPU_DOWN_INFO.name,
    "age": f"time() - {names.POLL_TIMESTAMP.name}",
}
_MODELS: Final = {
    "loaded": f"max by ({_MODEL}) ({names.LOADED_MEMORY_USED.name})",
    "near": f"max by ({_MODEL}) ({names.LOADED_LIMIT_RATIO.name})",
}

Answers = Mapping[str, list[Series]]


class PrometheusFleet:
    """One Prometheus as the source of looks at the fleet.

    Prometheus pays for every series that a look touches, so the names and sizes of GPUs are remembered. They are
    read anew when a GPU came or went, and when they are older than `kept_seconds`.
    """

    def __init__(
        self,
        url: str,
        deadline_seconds: float,
        stale_after_seconds: float,
        kept_seconds: float = KEPT_SECONDS,
    ) -> None:
        self._url = url
        self._deadline_seconds = deadline_seconds
        self._stale_after_seconds = stale_after_seconds
        self._kept_seconds = kept_seconds
        self._devices: Devices | None = None

    async def look(self, models: bool) -> Fleet:
        """One look, with the `models` on the GPUs or without.

        Raises FleetUnavailable when a query fails or no GPU is known there.
        """
        moving = {**_STATE, **_MODELS} if models else _STATE
        known = self._devices
        if known and _now() - known.read_at > self._kept_seconds:
            known = None
        async with client(self._url, self._deadline_seconds) as session:
            asked_at = _now()
            answers = await self._ask(session, moving if known else {**moving, **STILL})
            seen = _seen(answers)
            if known is None:
                # asked at the same moment: a GPU without a name may have come in between, so it is not called strange
                named = {key_of(series.metric) for series in answers["info"]}
                known = await self._remember(answers, seen & named, asked_at)
            elif not known.are_still(seen):
                known = await self._read_devices(session, seen)
        # thousands of GPUs take a while to join
        return await asyncio.to_thread(_fleet, known, answers, self._stale_after_seconds)

    async def refresh(self) -> None:
        """Read names and sizes anew, so that no look has to. Raises FleetUnavailable."""
        async with client(self._url, self._deadline_seconds) as session:
            answers = await self._ask(session, _STATE)
            await self._read_devices(session, _seen(answers))

    async def _read_devices(self, session: httpx.AsyncClient, seen: frozenset[Key]) -> Devices:
        asked_at = _now()
        return await self._remember(await self._ask(session, STILL), seen, asked_at)

    async def _remember(self, answers: Answers, seen: frozenset[Key], asked_at: float) -> Devices:
        if not answers["info"]:
            raise FleetUnavailable("Prometheus has no GPU series: does it scrape the exporters?")
        self._devices = await asyncio.to_thread(
            devices, answers["info"], answers["total"], answers["simulated"], seen, asked_at
        )
        return self._devices

    async def _ask(self, session: httpx.AsyncClient, queries: Mapping[str, str]) -> Answers:
        """Every query at once."""
        try:
            async with asyncio.TaskGroup() as group:
                running = {
                    name: group.create_task(ask(session, self._url, query)) for name, query in queries.items()
                }
        except* FleetUnavailable as failures:
            first = failures.exceptions[0]
            reason = first.reason if isinstance(first, FleetUnavailable) else str(first)
            raise FleetUnavailable(f"Prometheus: {reason}") from None
        return {name: task.result() for name, task in running.items()}


def _now() -> float:
    return time.monotonic()


def _seen(answers: Answers) -> frozenset[Key]:
    """The GPUs whose state the answers tell."""
    return frozenset(key_of(series.metric) for name in ("free", "down") for series in answers[name])


def _fleet(known: Devices, answers: Answers, stale_after_seconds: float) -> Fleet:
    free = {key_of(series.metric): series.whole for series in answers["free"]}
    reasons = {key_of(series.metric): series.metric.get("reason", "") for series in answers["down"]}
    loaded = _loaded_by_gpu(answers.get("loaded", ()), answers.get("near", ()))
    ages = {node_name(series.metric): series.value[1] for series in answers["age"]}

    def nodes() -> Iterator[FleetNode]:
        for name, of_node in known.by_node:
            age = max(0.0, ages.get(name, float("inf")))
            yield FleetNode(
                name=name,
                gpus=tuple(
                    _gpu(device, free.get(device.key), reasons.get(device.key), loaded.get(device.key, ()))
                    for device in of_node
                ),
                age_seconds=age,
                simulated=name in known.simulated,
                stale=age > stale_after_seconds,
            )

    return Fleet(
        nodes=tuple(nodes()),
        source="Prometheus",
        problems=tuple(left_out(known.count)),
        models="loaded" in answers,
    )


def _gpu(device: Device, free: int | None, down: str | None, loaded: Sequence[LoadedModel]) -> FleetGpu:
    problem = None
    if down is not None:
        problem = down or "the device does not answer"
    elif free is None:
        problem = "its memory could not be read"
    return FleetGpu(
        uuid=device.uuid,
        index=device.index,
        product=device.product,
        gpu_id=device.gpu_id,
        total_bytes=device.total_bytes,
        free_bytes=None if problem else free,
        mig_profile=device.mig_profile,
        loaded=tuple(loaded),
        problem=problem,
    )


def _loaded_by_gpu(loaded: Sequence[Series], near: Sequence[Series]) -> Mapping[Key, list[LoadedModel]]:
    ratios = {_model_key(series.metric): series.value[1] for series in near}
    found: dict[Key, list[LoadedModel]] = {}
    for series in loaded:
        key = _model_key(series.metric)
        instance, uuid, model, quantization, engine = key
        one = LoadedModel(
            model=model,
            engine=engine,
            quantization=quantization,
            used_bytes=series.whole,
            limit_ratio=ratios.get(key),
        )
        found.setdefault((instance, uuid), []).append(one)
    return found


def _model_key(labels: Labels) -> tuple[str, str, str, str, str]:
    label = labels.get
    return (
        label("instance", ""),
        label("uuid", ""),
        label("model", ""),
        label("quantization", ""),
        label("engine", ""),
    )
