"""The estimator agrees with what llama.cpp itself answered when `make oracle` last asked it, case by case."""

from dataclasses import replace
from functools import cache

import pytest

from benchmarks.oracle.case import Answer, Case
from benchmarks.oracle.compare import Pair, all_pairs, pairs, summary
from benchmarks.oracle.record import read
from benchmarks.oracle.source import pinned_engines
from benchmarks.oracle.sweep import cases
from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog
from shared.catalog.rows import LayerKind
from shared.engines.llama_cpp.graph.traits import CHECKED

VERSIONS = tuple(engine.version for engine in pinned_engines())


@cache
def catalog() -> Catalog:
    return load_catalog()


@cache
def answers() -> dict[str, dict[Case, Answer]]:
    return read()


@cache
def compared(version: str) -> tuple[Pair, ...]:
    return tuple(all_pairs({version: answers()[version]}, catalog()))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_estimator_agrees_with_every_recorded_answer(version: str) -> None:
    """Weights, caches and refusals to the byte, compute buffers within what compare.py allows."""
    wrong = [str(pair) for pair in compared(version) if not pair.agrees]

    assert wrong == []
    assert len(compared(version)) > 2000


@pytest.mark.parametrize("version", VERSIONS)
def test_the_record_is_of_the_sweep_as_it_is_today(version: str) -> None:
    assert set(answers()[version]) == set(cases())


def test_the_sweep_reaches_every_kind_of_layer_placement_and_refusal() -> None:
    recorded = answers()[VERSIONS[0]]
    shapes = {case.model: catalog().models[case.model].shape for case in recorded}

    kinds = {kind for shape in shapes.values() for kind in shape.layer_pattern}
    assert kinds >= {
        LayerKind.FULL,
        LayerKind.WINDOW,
        LayerKind.CHUNKED,
        LayerKind.LATENT,
        LayerKind.RECURRENT,
        LayerKind.NONE,
    }
    assert {case.devices for case in recorded} >= {0, 1, 2, 3, 4}
    assert {answer.refusal.split()[0] for answer in recorded.values() if answer.host is None} >= {
        "quantized",
        "K",
    }
    assert len(shapes) > 100


def test_an_architecture_called_measured_has_been_measured() -> None:
    recorded = {pair.architecture for version in VERSIONS for pair in compared(version)}

    assert recorded >= CHECKED


def test_a_number_that_differs_is_named_with_its_case() -> None:
    case = Case(model="llama-3.2-3b")
    answer = answers()[VERSIONS[0]][case]
    assert answer.host is not None
    host = replace(answer.host, weights=answer.host.weights + 1, compute=2 * answer.host.compute)

    wrong = [
        pair for pair in pairs(case, replace(answer, host=host), catalog(), VERSIONS[0]) if not pair.agrees
    ]

    assert [(pair.component, pair.place) for pair in wrong] == [("weights", "host"), ("compute", "host")]
    assert "llama-3.2-3b" in str(wrong[0])
    assert f"{answer.host.weights + 1:,}" in str(wrong[0])


def test_an_answer_where_we_refuse_is_a_disagreement() -> None:
    case = Case(model="qwen3-4b", value_type="q8_0", flash=False)
    plain = answers()[VERSIONS[0]][Case(model="qwen3-4b")]

    (found,) = pairs(case, plain, catalog(), VERSIONS[0])

    assert (found.component, found.agrees) == ("refusal", False)


def test_the_summary_counts_what_is_equal_and_what_agrees() -> None:
    rows = [
        Pair(case="a", architecture="x", component="compute", place="host", ours=ours, theirs=1000)
        for ours in (1000, 1001, 2000)
    ]

    (_, line) = summary(rows)

    assert line.split() == ["compute", "3", "1", "2", "0.10%", "90.01%", "100.00%"]
