"""The fleet through a real Prometheus that scrapes a page with our metric names."""

import asyncio
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread

import httpx
import pytest
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from bot.fleet import FleetUnavailable
from bot.fleet_prometheus import PrometheusFleet
from bot.fleet_reader import fleet_reader
from shared import metric_names as names
from tests.bot.bot_process import free_port
from tests.real_parts import program

GIB = 1024**3


PRODUCT = {"name": "NVIDIA A100-SXM4-40GB", "gpu": "a100-40gb", "source": "nvml"}


class Page:
    """An exporter's page that can change."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.gauges: dict[str, Gauge] = {}

    def say(self, metric: names.Metric, value: float, **labels: str) -> None:
        if metric.name not in self.gauges:
            made = Gauge(metric.name, metric.help, metric.labels, registry=self.registry)
            self.gauges[metric.name] = made
        gauge = self.gauges[metric.name]
        (
            gauge.labels(**{name: labels.get(name, "") for name in metric.labels}) if metric.labels else gauge
        ).set(value)

    def gpu(self, number: str, free_gib: float) -> None:
        """An A100 that answers."""
        self.say(names.GPU_INFO, 1, uuid=f"GPU-{number}", index=number, **PRODUCT)
        self.say(names.GPU_MEMORY_FREE, free_gib * GIB, uuid=f"GPU-{number}")
        self.say(names.GPU_MEMORY_TOTAL, 42_949_672_960, uuid=f"GPU-{number}")

    def without(self, number: str) -> None:
        """The A100 is gone."""
        for metric in (names.GPU_INFO, names.GPU_MEMORY_FREE, names.GPU_MEMORY_TOTAL):
            gauge = self.gauges[metric.name]
            for labels in [
                sample.labels
                for family in gauge.collect()
                for sample in family.samples
                if sample.labels["uuid"] == f"GPU-{number}"
            ]:
                gauge.remove(*(labels[name] for name in metric.labels))


def page(now: float) -> Page:
    """A node with a free A100, one that runs a model, a lost one, and an A100 in MIG mode with one instance."""
    made = Page()
    say, product = made.say, PRODUCT
    for number, free in (("0", 38.5), ("1", 2.0), ("10", 38.0)):
        made.gpu(number, free)
    say(names.GPU_INFO, 1, uuid="GPU-2", index="2", **product)
    say(names.GPU_DOWN_INFO, 1, uuid="GPU-2", reason="GPU is lost")
    say(names.GPU_INFO, 1, uuid="GPU-3", index="3", **product)
    say(names.GPU_INFO, 1, uuid="MIG-3-1", index="3:1", parent_uuid="GPU-3", mig_profile="3g.20gb", **product)
    say(names.GPU_MEMORY_FREE, 39 * GIB, uuid="GPU-3")
    say(names.GPU_MEMORY_FREE, 19 * GIB, uuid="MIG-3-1")
    model = {"uuid": "GPU-1", "model": "llama-3.1-8b", "quantization": "FP8", "engine": "vllm"}
    say(names.LOADED_MEMORY_USED, 36 * GIB, **model)
    say(names.LOADED_LIMIT_RATIO, 0.93, **model, resource="kv_cache")
    say(names.POLL_TIMESTAMP, now - 7)
    say(names.SIMULATED, 0)
    return made


@contextmanager
def scraping(shown: Page, folder: Path) -> Iterator[str]:
    """The address of a Prometheus that has scraped the page."""
    server, thread = start_http_server(0, addr="127.0.0.1", registry=shown.registry)
    process, url = _start(program("prometheus"), folder, server.server_address[1])
    try:
        _scraped(url, names.GPU_INFO.name)
        yield url
    finally:
        process.terminate()
        process.wait(10)
        server.shutdown()
        server.server_close()
        assert isinstance(thread, Thread)
        thread.join(5)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prometheus that has scraped the node."""
    with scraping(page(time.time()), tmp_path_factory.mktemp("prometheus")) as url:
        yield url


def queries_of(url: str) -> int:
    """How many instant queries this Prometheus has answered."""
    said = httpx.get(f"{url}/metrics").text
    found = re.search(r'prometheus_http_requests_total\{code="200",handler="/api/v1/query"\} (\d+)', said)
    return int(found[1]) if found else 0


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


async def test_a_look_without_the_models_has_the_same_gpus_and_says_what_it_left_out(prometheus: str) -> None:
    whole, free = (fleet_reader(prometheus_url=prometheus) for _ in range(2))
    assert whole is not None
    assert free is not None
    seen, lean = await whole.read(), await free.read(models=False)

    assert [gpu.loaded for _, gpu in seen.gpus() if gpu.loaded]
    assert [replace(gpu, loaded=()) for _, gpu in seen.gpus()] == [gpu for _, gpu in lean.gpus()]
    assert (seen.models, lean.models) == (True, False)


async def test_what_a_look_remembers_is_asked_for_once(prometheus: str) -> None:
    source = PrometheusFleet(prometheus, 2.0, 120.0)
    asked = []
    for models in (False, False, True):
        before = queries_of(prometheus)
        await source.look(models)
        asked.append(queries_of(prometheus) - before)

    assert asked == [6, 3, 5]


async def test_names_that_grew_old_are_not_used(prometheus: str) -> None:
    source = PrometheusFleet(prometheus, 2.0, 120.0, kept_seconds=0.0)
    await source.look(False)
    before = queries_of(prometheus)
    await source.look(False)

    assert queries_of(prometheus) - before == 6


async def test_a_gpu_that_comes_is_named_and_one_that_goes_is_gone_at_the_next_look(tmp_path: Path) -> None:
    shown = page(time.time())
    with scraping(shown, tmp_path) as url:
        source = PrometheusFleet(url, 2.0, 120.0)
        before = await source.look(False)
        shown.gpu("4", 30.5)
        shown.without("10")
        await asyncio.to_thread(_scraped, url, f'{names.GPU_INFO.name}{{index="4"}}')
        after = await source.look(False)

    assert [gpu.index for _, gpu in before.gpus()] == ["0", "1", "2", "3:1", "10"]
    assert [gpu.index for _, gpu in after.gpus()] == ["0", "1", "2", "3:1", "4"]
    assert after.nodes[0].gpus[4].gpu_id == "a100-40gb"
    assert after.nodes[0].gpus[4].total_bytes == 42_949_672_960


async def test_a_gpu_that_never_gets_a_name_is_not_asked_about_at_every_look(tmp_path: Path) -> None:
    shown = page(time.time())
    shown.say(names.GPU_MEMORY_FREE, 8 * GIB, uuid="GPU-nameless")
    with scraping(shown, tmp_path) as url:
        source = PrometheusFleet(url, 2.0, 120.0)
        await source.look(False)
        await source.look(False)  # here it is told from one that came between two queries
        before = queries_of(url)
        fleet = await source.look(False)
        assert queries_of(url) - before == 3
    assert "GPU-nameless" not in [gpu.uuid for _, gpu in fleet.gpus()]


async def test_names_are_read_anew_without_a_look(prometheus: str) -> None:
    reader = fleet_reader(prometheus_url=prometheus)
    assert reader is not None
    await reader.keep_ready()
    before = queries_of(prometheus)
    await reader.read(models=False)

    assert queries_of(prometheus) - before == 3


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
