"""The edges are where they are said to be."""

from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "exporter"


def files_with(word: str) -> set[str]:
    return {str(file.relative_to(PACKAGE)) for file in PACKAGE.rglob("*.py") if word in file.read_text()}


def test_one_file_imports_the_driver_and_one_reads_proc() -> None:
    assert files_with("import pynvml") == {"nvml/calls.py"}
    assert files_with('"cmdline"') == {"processes.py"}


def test_prometheus_clients_own_server_is_never_used() -> None:
    """Its handshake runs in the accept loop: one silent client would block every scrape."""
    assert files_with("start_http_server") == set()
