"""Who may import whom, as pyproject.toml states it."""

import os
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[2]


def test_every_import_contract_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)

    assert (
        lint_imports(config_filename=os.fspath(ROOT / "pyproject.toml"), no_cache=True) == EXIT_STATUS_SUCCESS
    )
