"""The shipped catalog, loaded once for the question tests."""

import pytest

from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The facts as shipped."""
    return load_catalog()
