"""The shipped facts, read once."""

import pytest

from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()
