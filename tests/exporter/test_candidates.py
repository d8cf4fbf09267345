"""The list of candidates and its live reload."""

import os
from pathlib import Path

import pytest

from exporter.candidates import BadCandidates, CandidateSource, parse_candidates
from exporter.fits import Fitting, Place
from shared.catalog.catalog import Catalog

ONE = """
[[candidates]]
model = "llama-3.1-8b"
quantizations = ["q4_k_m", "Q8_0"]
engine = "llama.cpp"
contexts = [8192, 32768]
"""


def test_the_lists_of_a_row_multiply_and_repetitions_count_once(catalog: Catalog) -> None:
    listed = parse_candidates(ONE + ONE, catalog)

    assert [(one.quantization.id, one.context_tokens) for one in listed.candidates] == [
        ("Q4_K_M", 8192),
        ("Q4_K_M", 32768),
        ("Q8_0", 8192),
        ("Q8_0", 32768),
    ]


def test_rows_that_name_what_does_not_exist_are_left_out_and_told(catalog: Catalog) -> None:
    text = (
        ONE
        + ONE.replace("llama-3.1-8b", "lama-9").replace("q4_k_m", "Q99")
        + ONE.replace("llama.cpp", "ollamma")
    )

    listed = parse_candidates(text, catalog)

    assert len(listed.candidates) == 4
    assert listed.problems == (
        "lama-9: there is no such model in the catalog",
        "lama-9: there is no quantization 'Q99'",
        "llama-3.1-8b: there is no engine 'ollamma'",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("candidates = 3", "candidates"),
        ("[[candidates", "not TOML"),
        (ONE.replace("8192", "-1"), "candidates.0.contexts.0"),
        (ONE.replace("8192", '"8k"'), "candidates.0.contexts.0"),
        (ONE + "colour = 1", "candidates.0.colour"),
        ("", "candidates"),
    ],
)
def test_a_file_that_is_no_candidate_list_says_where(catalog: Catalog, text: str, says: str) -> None:
    with pytest.raises(BadCandidates, match=says.replace(".", r"\.")):
        parse_candidates(text, catalog)


def test_a_changed_file_is_taken_up_and_a_broken_one_leaves_the_last_good_list(
    catalog: Catalog, tmp_path: Path
) -> None:
    file = tmp_path / "candidates.toml"
    file.write_text(ONE)
    source = CandidateSource(file, catalog)
    assert len(source.load().candidates) == 4

    file.write_text(ONE.replace(", 32768", ""))
    assert len(source.current().candidates) == 2

    file.write_text("broken")
    broken = source.current()
    assert (len(broken.candidates), broken.reload_ok) == (2, False)

    file.unlink()
    assert (len(source.current().candidates), source.current().reload_ok) == (2, False)

    file.write_text(ONE)
    assert (len(source.current().candidates), source.current().reload_ok) == (4, True)


def test_a_config_map_that_swaps_its_link_is_noticed(catalog: Catalog, tmp_path: Path) -> None:
    """Kubernetes replaces a mounted file by pointing a link elsewhere; size and time may stay the same."""
    for name, context in (("old", "8192"), ("new", "4096")):
        (tmp_path / name).write_text(ONE.replace("8192", context))
        os.utime(tmp_path / name, (1, 1))
    link = tmp_path / "candidates.toml"
    link.symlink_to(tmp_path / "old")
    source = CandidateSource(link, catalog)
    source.load()

    (tmp_path / "next").symlink_to(tmp_path / "new")
    (tmp_path / "next").replace(link)

    assert source.current().candidates[0].context_tokens == 4096


def test_a_file_that_cannot_be_used_at_the_start_is_a_mistake_to_tell(
    catalog: Catalog, tmp_path: Path
) -> None:
    with pytest.raises(BadCandidates, match="No such file"):
        CandidateSource(tmp_path / "none.toml", catalog).load()

    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(BadCandidates, match="UTF-8"):
        CandidateSource(tmp_path / "binary", catalog).load()

    (tmp_path / "large").write_bytes(b"#" * (1024**2 + 1))
    with pytest.raises(BadCandidates, match="larger than 1 MiB"):
        CandidateSource(tmp_path / "large", catalog).load()


def test_the_shipped_list_names_nothing_the_catalog_lacks_and_the_estimator_knows_all_of_it(
    catalog: Catalog,
) -> None:
    listed = CandidateSource(None, catalog).load()
    row = catalog.gpus["h100-80gb"]
    place = Place(key="GPU-a", row=row, free_bytes=(row.memory_usable_bytes,))

    fits = Fitting(catalog).fits([place], listed.candidates, 10_000)

    assert listed.problems == ()
    assert fits.unsupported == 0
    assert 20 <= len(listed.candidates) <= 60
