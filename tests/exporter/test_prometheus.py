"""A real Prometheus scrapes the exporter and answers what people ask."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.exporter.running import Running, eventually, exporter
from tests.fakes.libnvidia_ml import A100_40GB, GIB, H100_80GB, Node, gpu
from tests.real_parts import program

FULL, HALF, EMPTY, LARGE = NODE = tuple(
    gpu(kind, index, used=used * GIB)
    for index, (kind, used) in enumerate([(A100_40GB, 39), (A100_40GB, 20), (A100_40GB, 0), (H100_80GB, 0)])
)


@pytest.fixture(scope="module")
def running(driver_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("exporter")
    Node(devices=NODE).write(folder / "node")
    environment = {"LD_LIBRARY_PATH": os.fspath(driver_folder), "FAKE_NVML_STATE": os.fspath(folder / "node")}
    with exporter(folder=folder, environment=environment) as one:
        yield one


@pytest.fixture(scope="module")
def prometheus(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    target = running.url.removeprefix("http://")
    jobs = [{"job_name": "fittingroom", "static_configs": [{"targets": [target]}]}]
    settings = {"global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"}, "scrape_configs": jobs}
    (folder / "prometheus.yml").write_text(json.dumps(settings))  # JSON is YAML
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [program("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address={address}"],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        url = f"http://{address}"
        eventually(lambda: ready(url), "Prometheus has scraped the exporter")
        yield url
    finally:
        process.terminate()
        process.wait(30)


def ready(url: str) -> bool:
    try:
        return bool(ask(url, "up{job='fittingroom'} == 1"))
    except (httpx.HTTPError, ValueError):  # while it starts it refuses, then answers in plain text
        return False


def ask(url: str, query: str) -> list[tuple[dict[str, str], float]]:
    answer: dict[str, Any] = httpx.get(f"{url}/api/v1/query", params={"query": query}).json()
    assert answer["status"] == "success", answer
    return [(row["metric"], float(row["value"][1])) for row in answer["data"]["result"]]


def test_which_gpus_fit_a_model_now_the_roomiest_first(prometheus: str) -> None:
    what = 'model="qwen3-32b", quantization="AWQ", engine="vllm", context="32768"'

    rows = ask(
        prometheus,
        f"sort_desc(fittingroom_fit_headroom_bytes{{{what}}} "
        "* on (uuid) group_left (name, index) fittingroom_gpu_info >= 0)",
    )

    assert [labels["uuid"] for labels, _ in rows] == [LARGE.uuid, EMPTY.uuid]
    assert rows[0][0]["name"] == "NVIDIA H100 80GB HBM3"
    assert {labels["uuid"] for labels, _ in ask(prometheus, f"fittingroom_fits_now{{{what}}} == 1")} == {
        LARGE.uuid,
        EMPTY.uuid,
    }


def test_what_would_fit_if_a_gpu_were_emptied(prometheus: str) -> None:
    rows = ask(
        prometheus, 'fittingroom_fits_empty{model="qwen3-32b", quantization="AWQ"} > fittingroom_fits_now'
    )

    assert {labels["uuid"] for labels, _ in rows} == {FULL.uuid, HALF.uuid}


def test_two_gpus_hold_together_what_one_cannot(prometheus: str) -> None:
    """A 70B model in AWQ wants about 50 GiB: no A100 40GB alone, the two emptiest only when both are empty enough."""
    what = 'model="llama-3.1-70b", quantization="AWQ", engine="vllm", context="32768"'

    alone = {labels["uuid"]: value for labels, value in ask(prometheus, f"fittingroom_fits_empty{{{what}}}")}
    pair = {
        labels["group"]: value for labels, value in ask(prometheus, f"fittingroom_group_fits_empty{{{what}}}")
    }
    members = ask(prometheus, 'fittingroom_group_info{group="a100-40gb-x2"}')

    assert alone == {FULL.uuid: 0, HALF.uuid: 0, EMPTY.uuid: 0, LARGE.uuid: 1}
    assert pair == {"a100-40gb-x2": 1}
    assert {labels["uuid"] for labels, _ in members} == {EMPTY.uuid, HALF.uuid}


def test_free_memory_adds_up_over_the_node(prometheus: str) -> None:
    ((_, free),) = ask(prometheus, "sum(fittingroom_gpu_memory_free_bytes)")

    assert free == sum(device.free for device in NODE)


def test_the_data_is_fresh_and_prometheus_took_every_series(prometheus: str) -> None:
    eventually(
        lambda: ask(prometheus, "fittingroom_exporter_snapshot_age_seconds < 5"), "the snapshot is fresh"
    )

    ((_, scraped),) = ask(prometheus, "scrape_samples_scraped{job='fittingroom'}")
    ((_, kept),) = ask(prometheus, "scrape_samples_post_metric_relabeling{job='fittingroom'}")
    assert scraped == kept > 100
