"""The node that is measured: 8 H100 of the tests' fake driver, and 20 inference servers that answer like vLLM."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.fakes import engines
from tests.fakes.engines import serve
from tests.fakes.libnvidia_ml import GIB, H100_80GB, Node, Process, gpu

GPUS, SERVERS = 8, 20
_MODELS = ("Qwen/Qwen3-8B", "meta-llama/Llama-3.1-8B-Instruct", "google/gemma-3-12b-it", "Qwen/Qwen3-32B-AWQ")


@contextmanager
def inference_servers(folder: Path) -> Iterator[list[int]]:
    """The worker of each server, by process number."""
    with ExitStack() as stack:
        for number in range(SERVERS):
            stack.enter_context(_server(folder / str(number), _MODELS[number % len(_MODELS)]))
        workers = [folder / str(number) / "vllm.pid" for number in range(SERVERS)]
        deadline = time.monotonic() + 60
        while not all(file.exists() and file.read_text() for file in workers):
            if time.monotonic() > deadline:
                raise TimeoutError("the inference servers did not start")
            time.sleep(0.05)
        yield [int(file.read_text()) for file in workers]


@contextmanager
def _server(folder: Path, model: str) -> Iterator[None]:
    folder.mkdir(parents=True)
    script = folder / "vllm"
    shutil.copy(serve.__file__, script)
    script.with_suffix(".bodies").write_text(json.dumps(engines.vllm(model)))
    script.with_suffix(".worker").write_text("VLLM::EngineCore")
    process = subprocess.Popen([sys.executable, str(script), "serve", model, "--port", str(free_port())])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def node(workers: list[int]) -> Node:
    """Eight H100 with the workers spread over them."""
    devices = []
    for index in range(GPUS):
        held = tuple(Process(pid=pid, used=20 * GIB) for pid in workers[index::GPUS])
        devices.append(gpu(H100_80GB, index, used=len(held) * 20 * GIB, util=60, processes=held))
    return Node(devices=tuple(devices))


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
