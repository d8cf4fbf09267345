"""The fleet through a real Prometheus that scrapes a page with our metric names."""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import httpx
import pytest
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from bot.fleet import FleetUnavailable
from bot.fleet_reader import fleet_reader
from shared import metric_names as names
from tests.bot.bot_process import free_port
from tests.real_parts import program

GIB = 1024**3


def registry(now: float) -> CollectorRegistry:
    """A node with a free A100, one that runs a model, a lost one, and an A100 in MIG mode with one instance."""
    made = CollectorRegistry()
    gauges: dict[str, Gauge] = {}

    def say(metric: names.Metric, value: float, **labels: str) -> None:
        if metric.name not in gauges:
            gauges[metric.name] = Gauge(metric.name, metric.help, metric.labels, registry=made)
        gauge = gauges[metric.name]
        (
            gauge.labels(**{name: labels.get(name, "") for name in metric.labels}) if metric.labels else gauge
        ).set(value)

    product = {"name": "NVIDIA A100-SXM4-40GB", "gpu": "a100-40gb", "source": "nvml"}
    for number, free in (("0", 38.5), ("1", 2.0), ("10", 38.0)):
        say(names.GPU_INFO, 1, uuid=f"GPU-{number}", index=number, **product)
        say(names.GPU_MEMORY_FREE, free * GIB, uuid=f"GPU-{number}")
        say(names.GPU_MEMORY_TOTAL, 42_949_672_960, uuid=f"GPU-{number}")
    say(names.GPU_INFO, 1, uuid="GPU-2", index="2", **product)
    say(names.GPU_DOWN_INFO, 1, uuid="GPU-2", reason="GPU is lost")
    say(names.GPU_INFO, 1, uuid="GPU-3", index="3", **product)
    say(names.GPU_INFO, 1, uuid="MIG-3-1", index="3:1", parent_uuid="GPU-3", mig_profile="3g.20gb", **product)
    say(names.GPU_MEMORY_FREE, 19 * GIB, uuid="MIG-3-1")
    model = {"uuid": "GPU-1", "model": "llama-3.1-8b", "quantization": "FP8", "engine": "vllm"}
    say(names.LOADED_MEMORY_USED, 36 * GIB, **model)
    say(names.LOADED_LIMIT_RATIO, 0.93, **model, resource="kv_cache")
    say(names.POLL_TIMESTAMP, now - 7)
    say(names.SIMULATED, 0)
    return made


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prometheus that has scraped the node."""
    binary = program("prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    server, thread = start_http_server(0, addr="127.0.0.1", registry=registry(time.time()))
    process, url = _start(binary, folder, server.server_address[1])
    _scraped(url, names.GPU_INFO.name)
    yield url
    process.terminate()
    process.wait(10)
    server.shutdown()
    server.server_close()
    assert isinstance(thread, Thread)
    thread.join(5)


def _start(binary: str, folder: Path, target: int) -> tuple[subprocess.Popen[bytes], str]:
    port = free_port()
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
        "scrape_configs:\n"
        f"- {{job_name: gpus, static_configs: [{{targets: ['127.0.0.1:{target}'], labels: {{node: node-7}}}}]}}\n"
    )
    arguments = (f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([binary, *arguments, f"--web.listen-address=127.0.0.1:{port}"], stderr=log)
    return process, f"http://127.0.0.1:{port}"


def _scraped(url: str, query: str) -> None:
    """Wait until the query has a result."""
    for _ in range(400):
        try:
            if httpx.get(f"{url}/api/v1/query", params={"query": query}).json()["data"]["result"]:
                return
        except (httpx.TransportError, KeyError, ValueError):
            pass
        time.sleep(0.05)
    raise AssertionError(f"Prometheus never had {query}")


async def test_a_real_prometheus_gives_the_whole_node(prometheus: str) -> None:
    reader = fleet_reader(prometheus_url=prometheus)
    assert reader is not None
    fleet = await reader.read()
    assert [node.name for node in fleet.nodes] == ["node-7"]
    gpus = {gpu.index: gpu for gpu in fleet.nodes[0].gpus}
    assert list(gpus) == ["0", "1", "2", "3:1", "10"]  # the parent in MIG mode is not a place for a model
    assert gpus["0"].free_bytes == int(38.5 * GIB)
    assert gpus["0"].gpu_id == "a100-40gb"
    assert gpus["1"].loaded[0].limit_ratio == 0.93
    assert gpus["2"].free_bytes is None
    assert gpus["2"].problem == "GPU is lost"
    assert gpus["3:1"].mig_profile == "3g.20gb"
    assert not fleet.nodes[0].stale
    assert 7 <= fleet.age_seconds < 60


async def test_a_prometheus_without_gpu_series_is_unavailable_and_says_what_to_check(
    tmp_path: Path,
) -> None:
    process, url = _start(program("prometheus"), tmp_path, free_port())
    try:
        await asyncio.to_thread(_scraped, url, "up")
        reader = fleet_reader(prometheus_url=url)
        assert reader is not None
        with pytest.raises(FleetUnavailable, match="does it scrape the exporters"):
            await reader.read()
    finally:
        process.terminate()
        process.wait(10)


async def test_a_prometheus_that_is_away_is_unavailable() -> None:
    reader = fleet_reader(prometheus_url="http://127.0.0.1:9")
    assert reader is not None
    with pytest.raises(FleetUnavailable, match="Prometheus: nothing answers"):
        await reader.read()
