"""Fleets for tests: node reports as exporters give them, served over loopback, and the same as metrics."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from shared.node_report import (
    NODE_REPORT_PATH,
    GpuReport,
    HealthReport,
    LoadedModelReport,
    MemoryReport,
    NodeReport,
    WorkloadReport,
)

GIB = 1024**3
STARTED = time.time()  # reports are made as of then, and served as if taken just now
A100_40 = ("NVIDIA A100-SXM4-40GB", "a100-40gb", 42_949_672_960)
A100_80 = ("NVIDIA A100-SXM4-80GB", "a100-80gb", 85_899_345_920)


def gpu(
    index: str,
    free_gib: float,
    *,
    kind: tuple[str, str, int] = A100_40,
    loaded: tuple[LoadedModelReport, ...] = (),
) -> GpuReport:
    """A GPU that answers."""
    name, row, total = kind
    free = int(free_gib * GIB)
    return GpuReport(
        uuid=f"GPU-{index}-{name[-4:]}",
        index=index,
        name=name,
        gpu=row,
        up=True,
        memory=MemoryReport(total_bytes=total, used_bytes=total - free, free_bytes=free, usable_bytes=total),
        loaded_models=loaded,
    )


def lost(index: str) -> GpuReport:
    """A GPU that fell off the bus."""
    return GpuReport(uuid=f"GPU-{index}", index=index, name=A100_40[0], up=False, down_reason="GPU is lost")


def loaded(model: str, used_gib: float, *, near: float | None = None) -> LoadedModelReport:
    """A model that vLLM serves in a pod."""
    return LoadedModelReport(
        model=model,
        quantization="FP8",
        engine="vllm",
        in_catalog=True,
        source="api",
        memory_used_bytes=int(used_gib * GIB),
        limit_ratio=near,
        workloads=(WorkloadReport(namespace="prod", pod="chat-0", container="vllm"),),
    )


def node(name: str, *gpus: GpuReport, age_seconds: float = 5.0, simulated: bool = False) -> NodeReport:
    """A node that was read `age_seconds` ago."""
    return NodeReport(
        node=name,
        simulated=simulated,
        taken_unix=STARTED - age_seconds,
        exporter_version="0.1.0",
        catalog_date="2026-11-22",
        health=HealthReport(ok=True, driver_up=True, poll_interval_seconds=10),
        gpus=gpus,
    )


def failed_node(name: str) -> NodeReport:
    """A node whose driver does not answer."""
    health = HealthReport(
        ok=False, driver_up=False, message="the driver is not loaded", poll_interval_seconds=10
    )
    return NodeReport(node=name, simulated=False, exporter_version="0.1.0", catalog_date="", health=health)


class Node:
    """A served node: change `report` to change what is seen, set `hang` to answer never."""

    def __init__(self, report: NodeReport) -> None:
        self.report = report
        self.hang = False
        self.requests = 0
        self.url = ""

    async def handle(self, _request: web.Request) -> web.Response:
        self.requests += 1
        if self.hang:
            await asyncio.sleep(3600)
        taken = self.report.taken_unix
        now = {"taken_unix": taken + time.time() - STARTED} if taken is not None else {}
        fresh = self.report.model_copy(update=now)
        return web.Response(text=fresh.model_dump_json(), content_type="application/json")


@asynccontextmanager
async def exporters(*reports: NodeReport) -> AsyncIterator[list[Node]]:
    """One server per report."""
    nodes, runners = [], []
    for report in reports:
        one = Node(report)
        app = web.Application()
        app.router.add_get(NODE_REPORT_PATH, one.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        one.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        nodes.append(one)
        runners.append(runner)
    try:
        yield nodes
    finally:
        for runner in runners:
            await runner.cleanup()
