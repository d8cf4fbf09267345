"""Reads the fleet from the exporters' own JSON, one request per node."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from bot.fleet import Fleet, FleetGpu, FleetNode, FleetUnavailable, LoadedModel
from bot.fleet_http import client, get
from shared.node_report import NODE_REPORT_PATH, GpuReport, LoadedModelReport, NodeReport

MOST_NODES: Final = 512  # beyond that a Prometheus is the right source
AT_ONCE: Final = 32
MOST_NODE_BYTES: Final = 8 * 1024**2


async def look_at_exporters(
    urls: Sequence[str], deadline_seconds: float, stale_after_seconds: float
) -> Fleet:
    """One look at every exporter. Raises FleetUnavailable when not one of them answered."""
    gate = asyncio.Semaphore(AT_ONCE)
    # a node that hangs must leave time to report the others
    async with client(max(urls, key=lambda url: url.startswith("https:")), deadline_seconds * 0.8) as session:

        async def one(url: str) -> NodeReport | str:
            async with gate:
                return await _report(session, url)

        answers = await asyncio.gather(*(one(url) for url in urls[:MOST_NODES]))
    problems = tuple(answer for answer in answers if isinstance(answer, str))
    now = time.time()
    nodes = [_node(answer, now, stale_after_seconds) for answer in answers if isinstance(answer, NodeReport)]
    if not nodes:
        raise FleetUnavailable(problems[0] if problems else "no exporter is configured")
    return Fleet(
        nodes=tuple(sorted(nodes, key=lambda node: node.name)),
        source="the exporters",
        problems=problems,
        left_out=max(0, len(urls) - MOST_NODES),
    )


async def _report(session: httpx.AsyncClient, url: str) -> NodeReport | str:
    """The node's report, or a sentence saying why there is none."""
    where = f"the exporter at {urlsplit(url).netloc.rpartition('@')[2]}"  # an address may hold a password
    try:
        body = await get(session, url.rstrip("/") + NODE_REPORT_PATH, most_bytes=MOST_NODE_BYTES)
        report = NodeReport.model_validate_json(body)
    except FleetUnavailable as unavailable:
        return f"{where}: {unavailable.reason}"
    except ValidationError:
        return f"{where}: its answer is not a node report"
    if not report.health.ok and not report.gpus:
        return f"{where} ({report.node}): {report.health.message or 'it could not read its GPUs'}"
    return report


def _node(report: NodeReport, now: float, stale_after_seconds: float) -> FleetNode:
    age = max(0.0, now - report.taken_unix) if report.taken_unix is not None else float("inf")
    return FleetNode(
        name=report.node,
        # a parent in MIG mode holds no model itself; its instances are in the list
        gpus=tuple(_gpu(gpu) for gpu in report.gpus if not gpu.mig_enabled),
        age_seconds=age,
        simulated=report.simulated,
        stale=age > stale_after_seconds,
    )


def _gpu(report: GpuReport) -> FleetGpu:
    memory = report.memory if report.up else None
    return FleetGpu(
        uuid=report.uuid,
        index=report.index,
        product=report.name,
        gpu_id=report.gpu,
        total_bytes=memory.total_bytes if memory else None,
        free_bytes=memory.free_bytes if memory else None,
        mig_profile=report.mig_profile,
        loaded=tuple(_loaded(model) for model in report.loaded_models),
        problem=None if memory else (report.down_reason or "its memory could not be read"),
    )


def _loaded(report: LoadedModelReport) -> LoadedModel:
    place = report.workloads[0] if report.workloads else None
    return LoadedModel(
        model=report.model,
        engine=report.engine,
        quantization=report.quantization,
        used_bytes=report.memory_used_bytes,
        limit_ratio=report.limit_ratio,
        workload=f"{place.namespace}/{place.pod}" if place else None,
    )
