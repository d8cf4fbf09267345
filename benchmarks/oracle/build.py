"""Builds llama-fit-params and ggml-rpc-server of one llama.cpp, once; CMake and Ninja come from pip where missing."""

import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.oracle.source import OracleError, PinnedEngine

PROGRAMS: Final = ("llama-fit-params", "ggml-rpc-server")
_JOBS: Final = 2
# One CPU's tuning must not decide what is measured, and none of the rest is needed.
_OPTIONS: Final = (
    "CMAKE_BUILD_TYPE=Release",
    "GGML_RPC=ON",
    "GGML_NATIVE=OFF",
    "BUILD_SHARED_LIBS=OFF",
    "LLAMA_BUILD_NUMBER=0",
    "LLAMA_BUILD_TESTS=OFF",
    "LLAMA_BUILD_EXAMPLES=OFF",
    "LLAMA_BUILD_UI=OFF",
    "LLAMA_CURL=OFF",
    "LLAMA_OPENSSL=OFF",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """The two programs of one build."""

    fit_params: Path
    rpc_server: Path


def build(engine: PinnedEngine) -> Programs:
    """The programs of this build, compiled when they are not there (10 to 40 minutes on two cores).

    Raises:
        OracleError: A tool is missing or the build failed.
    """
    folder = engine.home / "build"
    fit_params, rpc_server = (folder / "bin" / name for name in PROGRAMS)
    if not (fit_params.exists() and rpc_server.exists()):
        cmake, ninja = _tool("cmake"), _tool("ninja")
        options = [
            f"-D{option}"
            for option in (*_OPTIONS, f"LLAMA_BUILD_COMMIT={engine.commit}", f"CMAKE_MAKE_PROGRAM={ninja}")
        ]
        _run([cmake, "-S", str(engine.sources), "-B", str(folder), "-G", "Ninja", *options], engine)
        _run([ninja, f"-j{_JOBS}", "-C", str(folder), *PROGRAMS], engine)
    return Programs(fit_params=fit_params, rpc_server=rpc_server)


def _tool(name: str) -> str:
    """The path of a build tool, installed by pip when the machine has none."""
    beside = Path(sysconfig.get_path("scripts")) / name
    found = shutil.which(name) or (str(beside) if beside.exists() else None)
    if found is None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", name]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            raise OracleError(f"building llama.cpp needs {name}, and pip could not install it")
        found = str(beside)
    return found


def _run(command: list[str], engine: PinnedEngine) -> None:
    log = engine.home / "build.log"
    with log.open("ab") as output:
        done = subprocess.run(command, stdout=output, stderr=output, check=False, preexec_fn=_yield_to_others)
    if done.returncode:
        raise OracleError(f"building llama.cpp {engine.version} failed; {log} says why")


def _yield_to_others() -> None:
    os.nice(10)
