"""The shipped catalog, loaded once for all tests here."""

import pytest

from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The shipped facts."""
    return load_catalog()
