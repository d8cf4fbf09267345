"""From processes to models: real processes with real command lines, over a fake driver that lists them."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from exporter.engine_apis.state import EngineState
from exporter.model_match import match_model, same_model
from exporter.processes import NOT_THE_HOSTS, Proc, ProcessFacts, ProcessInfo
from exporter.servers import server_of
from shared.catalog.catalog import Catalog
from shared.engines.engine import SeenCommand
from tests.exporter.running import Running, eventually, exporter
from tests.fakes import engines
from tests.fakes.engines import serve
from tests.fakes.libnvidia_ml import A100_40GB, GIB, MIB, Node, Process, gpu

ALONE = ProcessInfo(pid=1, argv=("init",))


def chain(*commands: str) -> ProcessFacts:
    return ProcessFacts(
        chain=tuple(ProcessInfo(pid=100 - n, argv=tuple(line.split())) for n, line in enumerate(commands))
    )


# --- from command lines to servers ---


@pytest.mark.parametrize(
    ("lines", "engine", "model", "port"),
    [
        (
            ("VLLM::EngineCore", "/usr/bin/python3 /usr/bin/vllm serve Qwen/Qwen3-32B"),
            "vllm",
            "Qwen/Qwen3-32B",
            8000,
        ),
        (
            ("VLLM::Worker_TP1", "VLLM::EngineCore", "vllm serve Qwen/Qwen3-32B --port=9001 -tp 2"),
            "vllm",
            "Qwen/Qwen3-32B",
            9001,
        ),
        (("VLLM::EngineCore", "systemd"), "vllm", None, None),
        (("sglang::scheduler_TP0", "systemd"), "sglang", None, None),
        (("vllm serve a/b --host 10.0.0.5",), "vllm", "a/b", None),
        (("vllm serve a/b --host 0.0.0.0 --port nonsense",), "vllm", "a/b", None),
        (
            ("/usr/bin/ollama runner --model /m/blobs/sha256-ab --port 5", "ollama serve"),
            "ollama",
            "/m/blobs/sha256-ab",
            11434,
        ),
    ],
)
def test_a_process_belongs_to_the_nearest_server_above_it(
    lines: tuple[str, ...], engine: str, model: str | None, port: int | None
) -> None:
    server = server_of(chain(*lines))

    assert server is not None
    assert (server.seen.engine, server.seen.model, server.port) == (engine, model, port)


def test_the_workers_of_one_server_belong_together() -> None:
    serving = ProcessInfo(pid=7, argv=("vllm", "serve", "a/b"))
    workers = [
        ProcessFacts(chain=(ProcessInfo(pid=pid, argv=(f"VLLM::Worker_TP{pid}",)), serving)) for pid in (8, 9)
    ]

    servers = [server_of(worker) for worker in workers]

    assert servers[0] == servers[1]


@pytest.mark.parametrize("line", ["python train.py", "jupyter-lab", "bash -c vllm_serve", "Xorg :0", ""])
def test_other_processes_belong_to_no_server(line: str) -> None:
    assert server_of(chain(line, "systemd")) is None


# --- from names to the catalog ---


@pytest.mark.parametrize(
    ("model", "quantization", "expected"),
    [
        ("Qwen/Qwen3-32B-AWQ", None, ("qwen3-32b", "AWQ")),
        ("Qwen/Qwen3-32B", None, ("qwen3-32b", "BF16")),
        ("Qwen/Qwen3-32B", "FP8", ("qwen3-32b", "FP8")),
        ("/root/.cache/huggingface/hub/models--Qwen--Qwen3-32B/snapshots/abc", None, ("qwen3-32b", "BF16")),
        ("/models/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", None, ("llama-3.1-8b", "Q4_K_M")),
        ("Meta-Llama-3.1-70B-Instruct-Q8_0-00001-of-00002.gguf", None, ("llama-3.1-70b", "Q8_0")),
        ("bartowski/Meta-Llama-3.1-8B-Instruct-GGUF:IQ4_XS", None, ("llama-3.1-8b", "IQ4_XS")),
        ("gemma-3-27b-it-UD-Q4_K_XL.gguf", None, ("gemma-3-27b", "Q4_K_XL")),
        ("acme/our-own-model-7b", None, ("acme/our-own-model-7b", "")),
        ("/srv/models/secret-project", None, ("secret-project", "")),
        (None, None, ("unknown", "")),
    ],
)
def test_a_served_name_is_the_catalogs_or_what_it_is(
    catalog: Catalog, model: str | None, quantization: str | None, expected: tuple[str, str]
) -> None:
    seen = SeenCommand(engine="vllm", model=model, quantization=quantization)

    matched = match_model(seen, None, catalog)

    assert (matched.name, matched.quantization_name) == expected


def test_ollamas_blob_is_named_by_its_api(catalog: Catalog) -> None:
    seen = SeenCommand(engine="ollama", model="/m/blobs/sha256-" + "a" * 64)
    state = EngineState(names=("llama3.1:8b",), quantization="Q4_K_M")

    matched = match_model(seen, state, catalog)

    assert (matched.name, matched.quantization_name) == ("llama-3.1-8b", "Q4_K_M")


def test_an_answer_about_another_model_is_another_servers() -> None:
    """A port read from a container's command line may be somebody else's on the host."""
    seen = SeenCommand(engine="vllm", model="Qwen/Qwen3-32B")

    assert same_model(seen, EngineState(names=("chat", "Qwen/Qwen3-32B")))
    assert not same_model(seen, EngineState(names=("meta-llama/Llama-3.1-8B-Instruct",)))


# --- whose process numbers these are ---


def proc_tree(folder: Path, *, namespace: str, kernel: bool) -> Path:
    (folder / "self" / "ns").mkdir(parents=True)
    (folder / "self" / "ns" / "pid").symlink_to(namespace)
    if kernel:
        (folder / "2").mkdir()
        (folder / "2" / "comm").write_text("kthreadd\n")
    return folder


def test_in_another_pid_namespace_no_process_is_read(tmp_path: Path) -> None:
    inside = Proc(proc_tree(tmp_path, namespace="pid:[4026532999]", kernel=False))

    assert inside.why_not() == NOT_THE_HOSTS


@pytest.mark.parametrize(("namespace", "kernel"), [("pid:[4026531836]", False), ("pid:[4026532999]", True)])
def test_the_hosts_processes_are_known_by_the_first_namespace_or_the_kernels_own_process(
    tmp_path: Path, namespace: str, kernel: bool
) -> None:
    assert Proc(proc_tree(tmp_path, namespace=namespace, kernel=kernel)).why_not() is None


def test_what_the_settings_say_goes(tmp_path: Path) -> None:
    folder = proc_tree(tmp_path, namespace="pid:[4026532999]", kernel=False)

    assert Proc(folder, trusted=True).why_not() is None
    assert Proc(folder, trusted=False).why_not() == "it is turned off by the settings"


def test_the_hosts_memory_is_what_the_kernel_calls_available(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text(
        "MemTotal:       125485080 kB\nMemFree: 1 kB\nMemAvailable:   99999996 kB\n"
    )

    assert Proc(tmp_path).host_memory() == (125485080 * 1024, 99999996 * 1024)
    assert Proc(tmp_path / "none").host_memory() == (0, 0)


def test_a_containers_pod_is_read_from_its_cgroup_in_both_spellings(tmp_path: Path) -> None:
    uid = "0d1e2f30-1111-2222-3333-444455556666"
    container = "a" * 64
    cgroups = {
        1001: f"0::/kubepods/burstable/pod{uid}/{container}\n",
        1002: f"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid.replace('-', '_')}.slice/"
        f"cri-containerd-{container}.scope\n",
        1003: "0::/user.slice\n",
    }
    for pid, text in cgroups.items():
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "cmdline").write_bytes(b"vllm\0serve\0a/b\0")
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a name) with) S 1 1\n")
        (tmp_path / str(pid) / "cgroup").write_text(text)

    facts = Proc(tmp_path, trusted=True).facts([*cgroups, 9999])

    assert {pid: (one.pod_uid, one.container_id) for pid, one in facts.items()} == {
        1001: (uid, container),
        1002: (uid, container),
        1003: (None, None),
    }


# --- the whole way, with real processes ---


@contextmanager
def inference_server(
    folder: Path, name: str, shape: engines.Shape, *options: str, worker: str
) -> Iterator[tuple[int, int]]:
    """A process that calls itself `name`, answers as that engine does, and has a worker; gives port and worker."""
    script = folder / name
    script.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(serve.__file__, script)
    script.with_suffix(".bodies").write_text(json.dumps(shape))
    script.with_suffix(".worker").write_text(worker)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, os.fspath(script), *options, "--port", str(port)])
    try:
        eventually(lambda: answers(port), f"{name} answers")
        yield port, int(script.with_suffix(".pid").read_text())
    finally:
        process.terminate()
        process.wait(30)


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/").status_code > 0
    except httpx.HTTPError:
        return False


@contextmanager
def watching(driver_folder: Path, folder: Path, node: Node, *options: str) -> Iterator[Running]:
    node.write(folder / "node")
    environment: Mapping[str, str] = {
        "LD_LIBRARY_PATH": os.fspath(driver_folder),
        "FAKE_NVML_STATE": os.fspath(folder / "node"),
    }
    with exporter(
        "--attribute-processes", "always", *options, folder=folder, environment=environment
    ) as running:
        yield running


def test_a_vllm_server_is_recognised_with_its_limit_and_our_prediction(
    driver_folder: Path, tmp_path: Path
) -> None:
    model = "Qwen/Qwen3-32B-AWQ"
    shape = engines.vllm(model, usage=0.93, waiting=5, blocks=3700)
    options = ("serve", model, "--max-model-len", "16384", "--api-key", "sk-secret")
    with ExitStack() as stack:
        _, worker = stack.enter_context(
            inference_server(tmp_path, "vllm", shape, *options, worker="VLLM::EngineCore")
        )
        processes = (Process(pid=worker, used=36_610 * MIB), Process(pid=os.getpid(), used=500 * MIB))
        node = Node(devices=(gpu(A100_40GB, 0, used=37_200 * MIB, processes=processes), gpu(A100_40GB, 1)))
        running = stack.enter_context(watching(driver_folder, tmp_path, node))

        first, second = running.report().gpus

        (loaded,) = first.loaded_models
        assert (loaded.model, loaded.quantization, loaded.engine, loaded.source) == (
            "qwen3-32b",
            "AWQ",
            "vllm",
            "api",
        )
        assert (loaded.limit_ratio, loaded.limit_resource, loaded.waiting_requests) == (0.93, "kv_cache", 5)
        assert (loaded.kv_cache_limit_tokens, loaded.preemptions, loaded.engine_version) == (
            59_200,
            7,
            "0.29.0",
        )
        assert loaded.memory_used_bytes == 36_610 * MIB
        assert loaded.predicted_bytes is not None
        assert loaded.prediction_error_ratio == pytest.approx(loaded.predicted_bytes / (36_610 * MIB) - 1)
        assert first.unattributed_bytes == 590 * MIB
        assert second.loaded_models == ()
        shown = (
            httpx.get(f"{running.url}/metrics").text + httpx.get(running.url).text + running.log.read_text()
        )
        assert "sk-secret" not in shown


def test_a_tensor_parallel_server_is_on_each_of_its_gpus(driver_folder: Path, tmp_path: Path) -> None:
    model = "meta-llama/Llama-3.1-70B-Instruct"
    with ExitStack() as stack:
        server = inference_server(
            tmp_path, "vllm", engines.vllm(model), "serve", model, "-tp", "2", worker="VLLM::W"
        )
        _, worker = stack.enter_context(server)
        devices = tuple(
            gpu(A100_40GB, index, used=36 * GIB, processes=(Process(pid=worker, used=36 * GIB),))
            for index in range(2)
        )
        running = stack.enter_context(watching(driver_folder, tmp_path, Node(devices=devices)))

        both = [loaded for device in running.report().gpus for loaded in device.loaded_models]

        assert [(one.model, one.kv_cache_limit_tokens) for one in both] == [("llama-3.1-70b", 16_000)] * 2


def test_a_server_that_leaves_takes_its_series_with_it(driver_folder: Path, tmp_path: Path) -> None:
    model = "Qwen/Qwen3-32B"
    with ExitStack() as stack:
        server = stack.enter_context(ExitStack())
        _, worker = server.enter_context(
            inference_server(tmp_path, "vllm", engines.vllm(model), "serve", model, worker="VLLM::EngineCore")
        )
        node = Node(devices=(gpu(A100_40GB, 0, used=GIB, processes=(Process(pid=worker, used=GIB),)),))
        running = stack.enter_context(watching(driver_folder, tmp_path, node))
        assert running.series().get("fittingroom_loaded_model_info")

        server.close()
        Node(devices=(gpu(A100_40GB, 0),)).write(tmp_path / "node")

        eventually(
            lambda: not running.series().get("fittingroom_loaded_model_info"), "the model's series are gone"
        )


def test_a_silent_server_is_still_recognised_by_its_command_line(driver_folder: Path, tmp_path: Path) -> None:
    model = "Qwen/Qwen3-32B"
    with ExitStack() as stack:
        _, worker = stack.enter_context(
            inference_server(tmp_path, "vllm", {}, "serve", model, worker="VLLM::E")
        )
        node = Node(devices=(gpu(A100_40GB, 0, used=GIB, processes=(Process(pid=worker, used=GIB),)),))
        running = stack.enter_context(watching(driver_folder, tmp_path, node))

        (loaded,) = running.report().gpus[0].loaded_models

        assert (loaded.model, loaded.source, loaded.limit_ratio) == ("qwen3-32b", "argv", None)


def test_without_the_hosts_processes_it_says_so_and_names_no_model(
    driver_folder: Path, tmp_path: Path
) -> None:
    proc = proc_tree(tmp_path / "proc", namespace="pid:[4026532999]", kernel=False)
    node = Node(devices=(gpu(A100_40GB, 0, used=GIB, processes=(Process(pid=os.getpid(), used=GIB),)),))
    with watching(
        driver_folder, tmp_path, node, "--attribute-processes", "auto", "--proc", os.fspath(proc)
    ) as running:
        series = running.series()

        assert series["fittingroom_exporter_process_attribution"] == [({"reason": NOT_THE_HOSTS}, 0)]
        assert not series.get("fittingroom_gpu_memory_unattributed_bytes")
        assert "hostPID" in httpx.get(running.url).text
