"""The exporter as people run it: its own process, the real pynvml, a driver that misbehaves."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import httpx
import pytest

from exporter.settings import ExporterSettings
from tests.exporter.running import ROOT, Running, eventually, exporter
from tests.fakes.libnvidia_ml import A100_40GB, GIB, H100_80GB, Node, gpu

TWO_GPUS = Node(devices=(gpu(A100_40GB, 0, used=10 * GIB), gpu(H100_80GB, 1)))
A100, H100 = (device.uuid for device in TWO_GPUS.devices)

POLLS = "fittingroom_exporter_polls_total"


class Start(Protocol):
    def __call__(self, *options: str) -> AbstractContextManager[Running]: ...


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "node"
    TWO_GPUS.write(path)
    return path


@pytest.fixture
def start(driver_folder: Path, state: Path, tmp_path: Path) -> Start:
    environment = {"LD_LIBRARY_PATH": os.fspath(driver_folder), "FAKE_NVML_STATE": os.fspath(state)}
    return lambda *options: exporter(*options, folder=tmp_path, environment=environment)


def test_a_scrape_shows_every_gpu_and_follows_it(start: Start, state: Path) -> None:
    with start() as running:
        free = running.values("fittingroom_gpu_memory_free_bytes")
        TWO_GPUS.with_device(0, used=20 * GIB).write(state)

        eventually(
            lambda: running.values("fittingroom_gpu_memory_free_bytes").get(A100) == free[A100] - 10 * GIB,
            "the exporter sees what the GPU sees",
        )
        names = {labels["name"] for labels, _ in running.series()["fittingroom_gpu_info"]}
        assert names == {"NVIDIA A100-SXM4-40GB", "NVIDIA H100 80GB HBM3"}
        assert running.value("fittingroom_exporter_simulated") == 0


def test_a_lost_gpu_goes_to_0_while_the_other_is_still_read_and_comes_back(start: Start, state: Path) -> None:
    with start() as running:
        running.series()
        replace(TWO_GPUS, errors=(("*", 0, 15),)).write(state)
        eventually(lambda: running.values("fittingroom_gpu_up")[A100] == 0, "the lost GPU is down")

        assert A100 not in running.values("fittingroom_gpu_memory_free_bytes")
        assert H100 in running.values("fittingroom_gpu_memory_free_bytes")
        assert ({"uuid": A100, "reason": "gpu_is_lost"}, 1) in running.series()["fittingroom_gpu_down_info"]

        TWO_GPUS.write(state)
        eventually(lambda: running.values("fittingroom_gpu_up")[A100] == 1, "the GPU is back")


def test_a_driver_that_hangs_takes_the_data_away_and_neither_scrapes_nor_the_end_wait(
    start: Start, state: Path
) -> None:
    with start("--poll-timeout-seconds", "0.2") as running:
        running.series()
        replace(TWO_GPUS, hangs=(("nvmlDeviceGetMemoryInfo_v2", 60_000),)).write(state)
        eventually(lambda: running.value("fittingroom_exporter_last_poll_success") == 0, "the look times out")

        assert running.values("fittingroom_gpu_memory_free_bytes") == {}
        assert running.values("fittingroom_gpu_up") == {A100: 0, H100: 0}
        assert httpx.get(f"{running.url}/healthz").status_code == 200
    # leaving the block asked the process to end and saw it do so while the driver still hung


def test_a_reloaded_driver_is_found_again(start: Start, state: Path) -> None:
    with start() as running:
        running.series()
        replace(TWO_GPUS, epoch=2, driver="590.44").write(state)
        eventually(
            lambda: (running.value("fittingroom_exporter_driver_reconnects_total") or 0) > 0, "reconnected"
        )
        eventually(lambda: running.report().driver_version == "590.44", "the new driver is seen")

        assert running.value("fittingroom_exporter_last_poll_success") == 1


def test_a_driver_exchanged_under_us_ends_the_process_so_that_it_is_started_anew(
    start: Start, state: Path
) -> None:
    with start() as running:
        running.series()
        replace(TWO_GPUS, errors=(("nvmlDeviceGetCount_v2", -1, 18),)).write(state)

        assert running.process.wait(30) == 75
        assert "starts us anew" in running.log.read_text()


def test_after_losing_a_working_driver_liveness_fails_and_without_ever_having_one_it_does_not(
    start: Start, state: Path, tmp_path: Path
) -> None:
    with start() as running:
        running.series()
        replace(TWO_GPUS, errors=(("nvmlDeviceGetCount_v2", -1, 999),)).write(state)
        eventually(lambda: httpx.get(f"{running.url}/-/healthy").status_code == 503, "liveness fails")

    replace(TWO_GPUS, errors=(("nvmlInitWithFlags", -1, 9),)).write(state)
    with start() as running:
        eventually(lambda: failures(running) > 8, "many looks have failed")

        assert httpx.get(f"{running.url}/healthz").status_code == 200
        assert httpx.get(f"{running.url}/readyz").status_code == 200
        assert "not loaded" in httpx.get(running.url).text
        assert running.log.read_text().count("not loaded") == 1  # said once, not at every look


def failures(running: Running) -> float:
    return next(value for labels, value in running.series()[POLLS] if labels["result"] == "failure")


def test_a_node_without_a_driver_says_so_and_stays_up(tmp_path: Path) -> None:
    environment = {"LD_LIBRARY_PATH": ""}
    with exporter(folder=tmp_path, environment=environment) as running:
        report = running.report()
        if report.gpus:
            pytest.skip("this machine has a real GPU")

        assert not report.health.ok
        assert report.health.message == "The NVIDIA driver library libnvidia-ml.so.1 is not installed here."
        assert running.value("fittingroom_exporter_driver_up") == 0


def test_a_first_scrape_waits_for_the_first_look_as_long_as_prometheus_would(
    start: Start, state: Path
) -> None:
    replace(TWO_GPUS, hangs=(("nvmlInitWithFlags", 700),)).write(state)
    with start() as running:
        impatient = httpx.get(
            f"{running.url}/metrics", headers={"X-Prometheus-Scrape-Timeout-Seconds": "0.51"}
        )
        patient = httpx.get(f"{running.url}/metrics", headers={"X-Prometheus-Scrape-Timeout-Seconds": "10"})

        assert impatient.status_code in {200, 503}  # 503 unless the look was done by then
        assert "fittingroom_gpu_memory_free_bytes{" in patient.text


def test_a_stopped_clock_of_looks_shows_no_old_numbers(start: Start) -> None:
    """The process is frozen, as a suspended machine is: the first scrape after it must not show the old look."""
    with start("--max-age-seconds", "4", "--poll-interval-seconds", "3600") as running:
        assert running.values("fittingroom_gpu_memory_free_bytes")
        eventually(
            lambda: running.values("fittingroom_gpu_memory_free_bytes") == {}, "the old numbers are gone"
        )

        assert running.values("fittingroom_gpu_up") == {A100: 0, H100: 0}


def test_once_prints_the_metrics_and_says_by_its_exit_code_whether_it_could(
    driver_folder: Path, state: Path
) -> None:
    environment = os.environ | {
        "LD_LIBRARY_PATH": os.fspath(driver_folder),
        "FAKE_NVML_STATE": os.fspath(state),
    }

    def once() -> tuple[int, str]:
        command = [sys.executable, "-m", "exporter", "--once"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    code, text = once()
    replace(TWO_GPUS, errors=(("nvmlInitWithFlags", -1, 9),)).write(state)
    failed_code, failed = once()

    assert code == 0
    assert f'fittingroom_gpu_up{{uuid="{A100}"}} 1.0' in text
    assert failed_code == 1
    assert "fittingroom_exporter_driver_up 0.0" in failed


def test_once_ends_quietly_when_its_reader_has_enough() -> None:
    command = [sys.executable, "-m", "exporter", "--simulate", "default", "--once"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.wait(60) in (0, -signal.SIGPIPE)
        assert b"Traceback" not in running.stderr.read()


def run_with(*options: str, environment: dict[str, str] | None = None) -> Iterator[str]:
    done = subprocess.run(
        [sys.executable, "-m", "exporter", *options],
        cwd=ROOT,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    yield str(done.returncode)
    yield done.stdout
    yield done.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            ("--port", "99999"),
            "--port (FITTINGROOM_EXPORTER_PORT): input should be less than or equal to 65535",
        ),
        (("--simulate", "/nowhere.toml"), "/nowhere.toml cannot be read: No such file or directory"),
        (("--candidates", "/nowhere.toml"), "/nowhere.toml cannot be read: No such file or directory"),
        (("--site-catalog", "/nowhere.toml"), "cannot be read: No such file or directory"),
        (("--simulate", "default", "--listen-address", "203.0.113.1"), "cannot listen on 203.0.113.1:9835"),
    ],
)
def test_a_mistake_in_the_settings_is_a_sentence_and_exit_code_2(options: tuple[str, ...], says: str) -> None:
    code, out, err = run_with(*options)

    assert (code, out) == ("2", "")
    assert says in err
    assert "Traceback" not in err


def test_the_help_documents_every_option_with_its_environment_variable() -> None:
    _, out, _ = run_with("--help")

    for name in ExporterSettings.model_fields:
        assert f"--{name.replace('_', '-')}" in out
        assert f"FITTINGROOM_EXPORTER_{name.upper()}" in out


def test_the_environment_sets_what_the_command_line_does_not() -> None:
    environment = {"FITTINGROOM_EXPORTER_PORT": "1234", "FITTINGROOM_EXPORTER_LOG_LEVEL": "debug"}

    _, out, _ = run_with("--check-config", "--port", "4321", environment=environment)

    assert "FITTINGROOM_EXPORTER_PORT=4321\n" in out
    assert "FITTINGROOM_EXPORTER_LOG_LEVEL=debug\n" in out
