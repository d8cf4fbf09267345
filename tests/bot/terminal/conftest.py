"""The shipped facts, read once, and no snapshot of them left in anybody's home."""

import pytest

from bot.terminal.snapshot import OFF
from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(autouse=True)
def no_snapshot(monkeypatch):
    monkeypatch.setenv(OFF, "1")
