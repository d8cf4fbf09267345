"""A real PostgreSQL on loopback, as its own user."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bot.bot_process import free_port
from tests.real_parts import program

DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def _user() -> str | None:
    """PostgreSQL does not run as root: as root, its own user or nobody runs it."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _binary(name: str) -> str:
    return program(name, *(str(folder / name) for folder in reversed(DEBIAN)))


@contextmanager
def postgres() -> Iterator[str]:
    """The address of an empty database."""
    initdb, server = _binary("initdb"), _binary("postgres")
    user, port = _user(), free_port()
    folder = Path(tempfile.mkdtemp(prefix="fittingroom-pg-"))  # its user must be able to reach it
    folder.chmod(0o777)
    data = folder / "data"
    run = {"user": user, "cwd": folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}}
    try:
        command = [
            initdb,
            "-D",
            str(data),
            "-U",
            "bot",
            "-E",
            "UTF8",
            "--locale=C",
            "--auth=trust",
            "--no-sync",
        ]
        subprocess.run(command, check=True, capture_output=True, **run)
        with (folder / "log").open("w") as log:
            options = ["-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-c", "fsync=off"]
            process = subprocess.Popen([server, "-D", str(data), *options], stdout=log, stderr=log, **run)
        try:
            _wait(port, process, folder / "log")
            yield f"postgresql://bot@127.0.0.1:{port}/postgres"
        finally:
            process.terminate()
            process.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    import time

    import psycopg

    for _ in range(200):
        assert process.poll() is None, log.read_text()
        try:
            psycopg.connect(f"postgresql://bot@127.0.0.1:{port}/postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text())
