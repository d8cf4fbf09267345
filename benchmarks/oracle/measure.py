"""Asks llama-fit-params what llama.cpp allocates: RPC servers stand for GPUs, sparse files for models."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benchmarks.oracle.build import Programs
from benchmarks.oracle.case import Answer, Case, Held
from benchmarks.oracle.file_tensors import file_tensors
from benchmarks.oracle.gguf_file import write_sparse
from benchmarks.oracle.metadata import metadata
from benchmarks.oracle.source import REFUSED, OracleError
from shared.catalog.catalog import Catalog
from shared.engines.llama_cpp.quantizer import mix_of

_LONGEST_SECONDS: Final = 300
_SIZES: Final = re.compile(r"^(\S+) (\d+) (\d+) (\d+) *$", re.MULTILINE)
_ERROR: Final = re.compile(r"^[\d.]+ E (.*)$", re.MULTILINE)


class Oracle:
    """A built llama.cpp with its servers, to be asked about many cases. Use it as a context manager."""

    def __init__(self, programs: Programs, files: Path, catalog: Catalog) -> None:
        self._programs = programs
        self._files = files
        self._catalog = catalog
        self._servers: list[str] = []
        self._running = ExitStack()

    def __enter__(self) -> Self:
        self._files.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def ask(self, case: Case) -> Answer:
        """What llama.cpp allocates for this case.

        Raises:
            OracleError: It could not load the file we made, or never answered.
        """
        with self._file(case) as path:
            command = [str(self._programs.fit_params), *self._options(case, path)]
            environment = os.environ | {"ORACLE_KV_UNIFIED": str(int(case.unified))}
            if case.program == "llama-server":
                environment["ORACLE_OUTPUTS"] = str(case.sequences)
            try:
                done = subprocess.run(
                    command,
                    capture_output=True,
                    text=True,
                    env=environment,
                    timeout=_LONGEST_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise OracleError(f"{case.name}: no answer within {_LONGEST_SECONDS} seconds") from None
        return _answer(case, done.stdout, done.stderr)

    def _options(self, case: Case, path: Path) -> Iterator[str]:
        yield from ("--model", str(path), "--fit-print", "on", "--no-repack")
        yield from (
            "-c",
            str(case.context),
            "-b",
            "2048",
            "-ub",
            str(case.ubatch),
            "-np",
            str(case.sequences),
        )
        yield from ("-ctk", case.key_type, "-ctv", case.value_type, "-fa", "on" if case.flash else "off")
        layers = 999 if case.gpu_layers is None else case.gpu_layers
        yield from ("-ngl", str(layers if case.devices else 0))
        if case.swa_full:
            yield "--swa-full"
        if case.cpu_experts:
            yield from ("--n-cpu-moe", str(case.cpu_experts))
        if case.devices:
            yield from ("--rpc", ",".join(self._addresses(case.devices)))
        if case.devices > 1:
            yield from ("--tensor-split", ",".join("1" * case.devices))

    def _addresses(self, count: int) -> Sequence[str]:
        while len(self._servers) < count:
            self._servers.append(self._running.enter_context(_server(self._programs.rpc_server)))
        return self._servers[:count]

    @contextmanager
    def _file(self, case: Case) -> Iterator[Path]:
        """The sparse file of a model, made anew for every case: its header is what the estimator says today."""
        model, mix = self._catalog.models[case.model], mix_of(self._catalog.quantizations[case.quantization])
        path = self._files / f"{model.id}-{mix}.gguf"
        write_sparse(path, metadata(model), file_tensors(model.shape, mix))
        try:
            yield path
        finally:
            path.unlink()


def _answer(case: Case, output: str, log: str) -> Answer:
    places = [
        Held(int(weights), int(cache), int(compute)) for _, weights, cache, compute in _SIZES.findall(output)
    ]
    if len(places) == case.devices + 1:
        return Answer(devices=tuple(places[:-1]), host=places[-1])
    errors = [line.strip() for line in _ERROR.findall(log)]
    if REFUSED in log and errors:
        return Answer(refusal=errors[0].partition(": ")[2])
    raise OracleError(
        f"{case.name}: llama.cpp did not answer; it said {(errors or log.splitlines()[-1:])[:1]}"
    )


@contextmanager
def _server(program: Path) -> Iterator[str]:
    """An RPC server on a free port of this machine alone."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [str(program), "--host", "127.0.0.1", "--port", str(port), "--threads", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise OracleError("ggml-rpc-server did not start")
