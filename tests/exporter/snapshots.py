"""Snapshots made the way the exporter makes them, at a fixed time and with round estimates."""

from pathlib import Path

from exporter.attribution import Attribute, Attribution, FromSimulation
from exporter.candidates import CandidateSource
from exporter.look import Look
from exporter.reading import NodeReading
from exporter.reporter import NodeFacts, Reporter
from exporter.simulated.source import DEFAULT_NODE, SimulatedSource
from exporter.snapshot import Snapshot, Versions
from exporter.tally import Tally
from shared.catalog.catalog import Catalog

TAKEN = 1_800_000_000.0
CANDIDATES = """
[[candidates]]
model = "llama-3.1-8b"
quantizations = ["Q8_0", "INT8"]
engine = "llama.cpp"
contexts = [8192, 32768]

[[candidates]]
model = "mixtral-8x7b"
quantizations = ["Q4_K_M"]
engine = "llama.cpp"
contexts = [8192]
"""


def reporter(
    catalog: Catalog,
    folder: Path,
    *,
    simulated: bool = True,
    series_limit: int = 1000,
    attribute: Attribute = lambda _: Attribution(),
) -> Reporter:
    """A reporter whose candidates are the short list above."""
    file = folder / "candidates.toml"
    file.write_text(CANDIDATES)
    source = CandidateSource(file, catalog)
    source.load()
    facts = NodeFacts(
        node="node-1",
        simulated=simulated,
        versions=Versions(program="0.0.0", estimator="0.0.0", catalog="2026-01-01"),
        poll_interval_seconds=10.0,
        series_limit=series_limit,
    )
    return Reporter(facts, catalog, source, attribute)


def look_at(reading: NodeReading | None, **more: object) -> Look:
    """A look that took 2 ms at the fixed time."""
    errors = reading.errors if reading else ()
    return Look(started_unix=TAKEN, duration_seconds=0.002, reading=reading, errors=errors, **more)  # type: ignore[arg-type]


def default_snapshot(catalog: Catalog, folder: Path) -> Snapshot:
    """The node we ship, seen once."""
    tally, source = Tally(), SimulatedSource(DEFAULT_NODE)
    look = look_at(source.read())
    tally.look(look)
    return reporter(catalog, folder, attribute=FromSimulation(source)).snapshot(look, tally.counts())
