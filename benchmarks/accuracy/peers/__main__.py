"""`make peers`: installs the peers into .peers, asks each every case, and records what they say."""

import datetime
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.accuracy.peers.answers import (
    ADAPTERS,
    GO_SUMS,
    RECORDED,
    REQUIREMENTS,
    facts,
    record,
    versions,
)
from benchmarks.accuracy.peers.question_files import write
from shared.catalog.load import load_catalog

VENV: Final = Path(__file__).parents[3] / ".peers"
_DONE: Final = VENV / "installed.txt"
_MINUTES: Final = 10


def main() -> int:
    """Install, ask and record; 1 with a sentence where the peers cannot be installed."""
    try:
        install()
    except subprocess.CalledProcessError as error:
        print(
            f"The peers cannot be installed here ({_last_line(error.stderr)}): what they said before stands."
        )
        return 1
    with tempfile.TemporaryDirectory() as directory:
        questions = write(Path(directory), load_catalog()).read_text(encoding="utf-8")
        answers = {name: ask(name, peer, questions) for name, peer in facts()["peers"].items()}
    record(answers, versions(), datetime.datetime.now(tz=datetime.UTC).date().isoformat())
    print(f"written: {RECORDED.name}")
    return 0


def install() -> None:
    """The peers at their pinned versions, in an environment of their own; nothing where they are there already.

    Raises:
        CalledProcessError: pip's own failure, or Go's.
    """
    pinned = "".join(path.read_text(encoding="utf-8") for path in (REQUIREMENTS, *GO_SUMS))
    if _DONE.exists() and _DONE.read_text(encoding="utf-8") == pinned:
        return
    venv.create(VENV, with_pip=True, clear=True)
    command = [VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, "-r", REQUIREMENTS], check=True, capture_output=True, text=True)
    for sums in GO_SUMS:
        subprocess.run(
            [VENV / "bin" / "go", "build", "-o", VENV / "bin" / sums.parent.name, "."],
            cwd=sums.parent,
            env={**os.environ, "GOPATH": str(VENV / "go"), "GOCACHE": str(VENV / "go-cache")},
            check=True,
            capture_output=True,
            text=True,
        )
    _DONE.write_text(pinned, encoding="utf-8")


def ask(name: str, peer: Mapping[str, str], questions: str) -> dict[str, Any]:
    """What one peer says, by case.

    Raises:
        CalledProcessError: The adapter itself failed, which is a mistake of ours.
    """
    started = time.perf_counter()
    if "go_module" in peer:
        command = [VENV / "bin" / peer["go_module"]]
    else:
        command = [VENV / "bin" / "python", ADAPTERS / f"{peer['adapter']}.py"]
    done = subprocess.run(
        command,
        input=questions,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=_MINUTES * 60,
        env={"PATH": os.environ.get("PATH", ""), "HF_HUB_OFFLINE": "1", "HOME": str(VENV)},
    )
    answers: dict[str, Any] = json.loads(done.stdout)
    answered = sum("none" not in answer for answer in answers.values())
    print(f"{name}: {answered} of {len(answers)} cases answered, {time.perf_counter() - started:.0f} s")
    return answers


def _last_line(text: str | None) -> str:
    return (text or "no reason given").strip().splitlines()[-1][:200]


if __name__ == "__main__":
    sys.exit(main())
