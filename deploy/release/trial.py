"""Installs a built distribution into an empty environment at the lock's versions and tries what it is for."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.release.version import ROOT

QUESTION: Final = "can Mixtral 8x22B run on A100 40GB?"
# Each extra's commands, by the word that their output must hold.
TRIALS: Final[dict[str, tuple[tuple[str, tuple[str, ...]], ...]]] = {
    "bot": (
        ("266.2 GiB", ("fit", QUESTION)),
        ("SLACK_BOT_TOKEN", ("fittingroom-bot", "--help")),
        ("FITTINGROOM_DATABASE_URL", ("fittingroom-bot", "--check-config")),
    ),
    "exporter": (
        ("266.2 GiB", ("fit", QUESTION)),
        ("fittingroom_exporter_simulated 1", ("fittingroom-exporter", "--simulate", "default", "--once")),
        ("--simulate", ("fittingroom-exporter", "--help")),
    ),
}

_KEPT: Final = {"PATH", "HOME", "LANG", "SSL_CERT_FILE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A virtual environment of its own, with nothing of this checkout or of the caller's in it."""

    folder: Path

    @classmethod
    def made(cls, folder: Path, distribution: Path, extras: Sequence[str]) -> "Environment":
        """Install `distribution` with `extras`, and no package at any version but the lock's."""
        _run([sys.executable, "-m", "venv", str(folder)], folder.parent)
        pip = [str(folder / "bin/python"), "-m", "pip", "--disable-pip-version-check"]
        wanted = f"{distribution}[{','.join(extras)}]"
        lock = str(ROOT / "constraints.txt")
        _run([*pip, "install", "--quiet", "--no-compile", "-c", lock, wanted], folder.parent)
        _run([*pip, "uninstall", "--quiet", "--yes", "pip", "setuptools"], folder.parent)
        return cls(folder=folder)

    def run(self, program: str, *arguments: str) -> str:
        """What a program of it prints. Raises RuntimeError with its words when it fails."""
        return _run([str(self.folder / "bin" / program), *arguments], self.folder)

    def try_out(self, extra: str) -> None:
        """Raises RuntimeError when a command does not say what it must."""
        for word, command in TRIALS[extra]:
            said = self.run(*command)
            if word not in said:
                raise RuntimeError(f"{' '.join(command)} did not say {word!r}:\n{said[:2000]}")


def _run(command: list[str], folder: Path) -> str:
    """In a bare environment: a PYTHONPATH or a token of the caller's would hide what is missing."""
    kept = {
        name: value for name, value in os.environ.items() if name.upper() in _KEPT or name.startswith("PIP_")
    }
    made = subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True, check=False)  # noqa: S603
    if made.returncode != 0:
        raise RuntimeError(
            f"{' '.join(command)} ended with {made.returncode}:\n{(made.stdout + made.stderr)[-3000:]}"
        )
    return made.stdout
