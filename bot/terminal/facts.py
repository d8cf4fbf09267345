"""The catalog and the live fleet as this shell's environment names them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bot.fleet import LiveFleet
from bot.terminal.snapshot import keep_catalog, kept_catalog
from shared.catalog.catalog import Catalog

if TYPE_CHECKING:
    from bot.fleet_reader import FleetReader

SITE_CATALOG = "FITTINGROOM_SITE_CATALOG"
PROMETHEUS_URL = "PROMETHEUS_URL"
EXPORTER_URLS = "FITTINGROOM_EXPORTER_URLS"


def catalog_of(environment: Mapping[str, str]) -> Catalog:
    """The shipped facts with the site's own on top. Raises BadFacts (a UserError)."""
    named = environment.get(SITE_CATALOG)
    site = Path(named) if named else None
    kept = kept_catalog(environment, site)
    if kept is not None:
        return kept
    from shared.catalog.load import load_catalog

    catalog = load_catalog(site)
    keep_catalog(catalog, environment, site)
    return catalog


def reader_of(environment: Mapping[str, str]) -> "FleetReader | None":
    """What reads the live fleet; None when neither Prometheus nor an exporter is configured."""
    prometheus = environment.get(PROMETHEUS_URL) or None
    exporters = tuple(part.strip() for part in environment.get(EXPORTER_URLS, "").split(",") if part.strip())
    if prometheus is None and not exporters:
        return None
    from bot.fleet_reader import fleet_reader

    return fleet_reader(prometheus_url=prometheus, exporter_urls=exporters)


def look_of(environment: Mapping[str, str]) -> Callable[[], LiveFleet]:
    """One look at the live fleet; None from it when there is none to look at."""
    reader = reader_of(environment)
    if reader is None:
        return lambda: None
    import asyncio

    return lambda: asyncio.run(reader.read_or_reason(models=False))
