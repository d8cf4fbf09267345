"""What a scrape is, byte by byte."""

import gzip
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import generate_latest as generate_text
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

import shared.estimator
from exporter.exposition import Scrape, wants_gzip, wants_openmetrics
from exporter.fit_section import FitBlocks
from exporter.metrics import families
from exporter.nvml.device import HostMemory
from exporter.nvml.driver import Nvml
from exporter.simulated.source import DEFAULT_NODE, SimulatedSource
from exporter.snapshot import Snapshot
from exporter.tally import Counts, Tally
from exporter.text_format import exposition
from shared.catalog.catalog import Catalog
from shared.metric_docs import metrics_page
from shared.metric_names import METRICS
from tests.exporter.fake_estimator import RoundEngine
from tests.exporter.snapshots import default_snapshot, look_at, reporter
from tests.fakes.libnvidia_ml import A100_40GB, GIB, H100_80GB, MIB, Device, Node, Process, gpu
from tests.real_parts import program

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "exporter"
AS_COUNTED = Counts(requests={"200": 3})


@pytest.fixture(autouse=True)
def _round_estimates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared.estimator, "ENGINES", {"llama.cpp": RoundEngine()})


@pytest.fixture
def snapshot(catalog: Catalog, tmp_path: Path) -> Snapshot:
    return default_snapshot(catalog, tmp_path)


@pytest.fixture
def scrape(snapshot: Snapshot) -> Scrape:
    return Scrape(snapshot, ProcessCollector(registry=CollectorRegistry()))


def ours(text: str) -> str:
    """Without what differs from run to run: the process's own metrics and the snapshot's age."""
    kept = [line for line in text.splitlines() if not re.search(r"\bprocess_|_age_seconds [0-9]", line)]
    return "\n".join(kept) + "\n"


def compare_with_golden(name: str, text: str) -> None:
    """Equal to the committed file, or written to it when asked."""
    file = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert text == file.read_text()


@pytest.mark.parametrize(
    ("name", "openmetrics"), [("simulated.prom", False), ("simulated.openmetrics", True)]
)
def test_golden_scrape_of_the_shipped_node(scrape: Scrape, name: str, openmetrics: bool) -> None:
    compare_with_golden(
        name, ours(scrape.body(lambda: AS_COUNTED, openmetrics=openmetrics, gzip=False).decode())
    )


def test_golden_scrape_of_a_real_driver_with_mig_a_lost_gpu_and_a_failing_call(
    show: Callable[[Node], None], catalog: Catalog, tmp_path: Path
) -> None:
    instance = Device(
        uuid="MIG-a", name="NVIDIA A100-SXM4-40GB MIG 3g.20gb", total=19968 * MIB, used=GIB, gi=1
    )
    devices = (
        gpu(A100_40GB, 0, instances={2: instance}),
        gpu(H100_80GB, 1, used=70 * GIB, processes=(Process(pid=9, used=70 * GIB),)),
        gpu(H100_80GB, 2),
    )
    errors = (("*", 2, 15), ("nvmlDeviceGetTemperature", 1, 999))
    nvml, tally = Nvml(HostMemory(read=lambda: (GIB, GIB), never_for={A100_40GB[0], H100_80GB[0]})), Tally()
    show(Node(devices=devices))
    reports = reporter(catalog, tmp_path, simulated=False)
    reports.snapshot(look_at(nvml.read()), tally.counts())  # all were seen once
    show(Node(devices=devices, errors=errors))
    look = look_at(nvml.read())
    tally.look(look)
    snapshot = reports.snapshot(look, tally.counts())
    nvml.close()

    body = Scrape(snapshot, ProcessCollector(registry=CollectorRegistry())).body(
        lambda: AS_COUNTED, openmetrics=False, gzip=False
    )

    compare_with_golden("driver.prom", ours(body.decode()))


def test_golden_metrics_page_in_docs_is_generated_from_the_contract() -> None:
    page = ROOT / "docs" / "metrics.md"
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(metrics_page())

    assert page.read_text() == metrics_page()


def test_every_documented_metric_is_emitted_and_every_emitted_one_is_documented(scrape: Scrape) -> None:
    text = scrape.body(lambda: AS_COUNTED, openmetrics=False, gzip=False).decode()
    emitted = set(re.findall(r"^# TYPE (fittingroom_\w+)", text, re.MULTILINE))

    assert emitted == {metric.name for metric in METRICS if metric.component != "bot"}


def test_labels_are_those_of_the_contract(scrape: Scrape) -> None:
    contract = {metric.name: set(metric.labels) for metric in METRICS}
    for family in parse_text(scrape.body(lambda: AS_COUNTED, openmetrics=False, gzip=False).decode()):
        for sample in family.samples:
            if sample.name.startswith("fittingroom_"):
                assert set(sample.labels) == contract[sample.name]


def test_the_compressed_scrape_is_the_plain_one(scrape: Scrape) -> None:
    for openmetrics in (False, True):
        plain = scrape.body(lambda: AS_COUNTED, openmetrics=openmetrics, gzip=False).decode()
        packed = gzip.decompress(scrape.body(lambda: AS_COUNTED, openmetrics=openmetrics, gzip=True)).decode()

        assert ours(packed) == ours(plain)


LABEL_NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
SERIES = st.tuples(st.dictionaries(LABEL_NAMES, st.text(max_size=8), max_size=3), st.floats())


@given(
    st.sampled_from([GaugeMetricFamily, CounterMetricFamily, InfoMetricFamily]),
    st.text(max_size=20),
    st.lists(SERIES),
)
def test_our_text_is_the_librarys_byte_by_byte(
    kind: type[Metric], documentation: str, series: list[tuple[dict[str, str], float]]
) -> None:
    family = (
        kind("a_bytes", documentation)
        if kind is InfoMetricFamily
        else kind("a_bytes", documentation, unit="bytes")
    )
    for labels, value in series:
        family.add_sample("a_bytes", labels, value)

    check_against_the_library([family])


def check_against_the_library(families: Sequence[Metric]) -> None:
    class Collected:
        def collect(self) -> Sequence[Metric]:
            return families

    assert exposition(families, openmetrics=False).encode() == generate_text(Collected())  # type: ignore[arg-type]
    text = exposition(families, openmetrics=True) + "# EOF\n"
    assert text.encode() == generate_openmetrics(Collected())


def test_a_whole_scrape_is_the_librarys_byte_by_byte(snapshot: Snapshot) -> None:
    fits = FitBlocks().section(snapshot.report)

    check_against_the_library([*families(snapshot), *fits.families])


def test_scrapes_at_the_same_time_share_an_answer_and_later_ones_have_their_own(
    scrape: Scrape, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = [1, 2, 3]
    now = 1_800_000_010.0
    monkeypatch.setattr("time.time", lambda: now)

    def body() -> str:
        answer = scrape.body(lambda: Counts(requests={"200": counted.pop(0)}), openmetrics=True, gzip=True)
        return gzip.decompress(answer).decode()

    first, second = body(), body()
    now += 5.0
    third = body()

    assert first == second
    assert ('code="200"} 1.0' in first, 'code="200"} 2.0' in third) == (True, True)
    assert ("snapshot_age_seconds 10.0" in first, "snapshot_age_seconds 15.0" in third) == (True, True)


def test_openmetrics_is_well_formed_by_the_reference_parser(scrape: Scrape) -> None:
    text = scrape.body(lambda: AS_COUNTED, openmetrics=True, gzip=False).decode()

    families = {family.name: family for family in parse_openmetrics(text)}

    assert families["fittingroom_gpu_memory_free_bytes"].unit == "bytes"
    assert families["fittingroom_exporter_polls"].type == "counter"
    assert families["fittingroom_gpu"].type == "info"


def test_promtool_finds_nothing_to_say(scrape: Scrape) -> None:
    for openmetrics in (False,):
        body = scrape.body(lambda: AS_COUNTED, openmetrics=openmetrics, gzip=False)
        done = subprocess.run(
            [program("promtool"), "check", "metrics"], input=body, capture_output=True, check=False
        )

        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_only_the_named_metrics_are_given_when_asked(scrape: Scrape) -> None:
    text = scrape.filtered(["fittingroom_gpu_up"]).decode()

    assert {line.split("{")[0] for line in text.splitlines() if not line.startswith("#")} == {
        "fittingroom_gpu_up"
    }


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", False),
        ("*/*", False),
        ("text/html,application/xhtml+xml", False),
        ("application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", True),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text-not", False),
    ],
)
def test_openmetrics_is_given_to_who_asks_for_it(accept: str, wanted: bool) -> None:
    assert wants_openmetrics(accept) is wanted


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", False),
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("deflate", False),
        ("*", True),
    ],
)
def test_gzip_is_given_to_who_takes_it(header: str, wanted: bool) -> None:
    assert wants_gzip(header) is wanted


def test_a_failed_look_shows_health_and_no_old_data(
    catalog: Catalog, tmp_path: Path, snapshot: Snapshot
) -> None:
    reports, tally = reporter(catalog, tmp_path), Tally()
    reports.snapshot(look_at(SimulatedSource(DEFAULT_NODE).read()), tally.counts())
    failed = look_at(None, failure_code="driver_not_loaded", failure="The NVIDIA driver is not loaded.")
    tally.look(failed)
    scrape = Scrape(reports.snapshot(failed, tally.counts()), ProcessCollector(registry=CollectorRegistry()))

    series = dict(_series(scrape))

    assert series["fittingroom_exporter_last_poll_success"] == [0]
    assert series["fittingroom_gpu_up"] == [0, 0, 0, 0]
    assert series["fittingroom_exporter_last_success_timestamp_seconds"] == [1_800_000_000.0]
    gone = (
        "fittingroom_gpu_memory_",
        "fittingroom_fit",
        "fittingroom_group",
        "fittingroom_exporter_snapshot_age",
    )
    assert [name for name, values in series.items() if name.startswith(gone) and values] == []


def _series(scrape: Scrape) -> Iterator[tuple[str, list[float]]]:
    text = scrape.body(Counts, openmetrics=False, gzip=False).decode()
    found: dict[str, list[float]] = {}
    for family in parse_text(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.value)
    yield from found.items()


def test_text_kept_from_look_to_look_is_the_text_that_would_be_made(
    show: Callable[[Node], None], catalog: Catalog, tmp_path: Path
) -> None:
    nvml = Nvml(HostMemory(read=lambda: (GIB, GIB), never_for={A100_40GB[0]}))
    reports, kept = reporter(catalog, tmp_path, simulated=False), FitBlocks()
    sections = []
    for used in (5, 5, 20, 7):
        show(Node(devices=(gpu(A100_40GB, 0, used=GIB), gpu(A100_40GB, 1, used=used * GIB))))
        report = reports.snapshot(look_at(nvml.read()), Counts()).report
        section, anew = kept.section(report), FitBlocks().section(report)
        assert (section.text.plain, section.openmetrics.plain) == (anew.text.plain, anew.openmetrics.plain)
        sections.append(section)
    nvml.close()

    assert sections[0] is sections[1], "nothing has changed, neither on a GPU nor on both together"
    assert len({section.text.plain for section in sections}) == 3
