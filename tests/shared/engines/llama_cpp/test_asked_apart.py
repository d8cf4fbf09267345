"""Architectures that llama.cpp was asked about apart from the recorded sweep: Falcon-H1, Gemma 3n, Laguna.

Asked of llama-fit-params and ggml-rpc-server of llama.cpp 0.5.0-dev (0c1e57098, PyPI llama-cpp-python 0.3.36), with
sparse files of the real shapes at Q4_K_M. These are a few of 59 numbers each for falcon-h1-7b, falcon-h1-3b,
falcon-h1-0.5b, gemma-3n-e2b, gemma-3n-e4b, laguna-xs.2 and of 250 each for falcon-h1-1.5b-deep, both Gemma 3n and
laguna-xs-2.1, all of which agreed.
"""

import pytest

from benchmarks.oracle.case import Answer, Case, Held
from benchmarks.oracle.compare import pairs
from shared.catalog.load import load_catalog

CATALOG = load_catalog()
SLOTS = {"context": 16_384, "ubatch": 2048, "sequences": 4}
ANSWERS = (
    (
        Case(model="falcon-h1-7b"),
        Answer(
            devices=(Held(4_367_356_768, 324_853_760, 95_430_720),), host=Held(224_724_672, 0, 16_789_568)
        ),
    ),
    (
        Case(model="falcon-h1-7b", **SLOTS),
        Answer(
            devices=(Held(4_367_356_768, 1_299_415_040, 381_722_688),), host=Held(224_724_672, 0, 67_158_080)
        ),
    ),
    (
        Case(model="falcon-h1-7b", context=20_001, ubatch=1000, program="llama-cli"),
        Answer(
            devices=(Held(4_367_356_768, 1_051_516_928, 544_772_000),), host=Held(224_724_672, 0, 65_052_032)
        ),
    ),
    (
        Case(model="falcon-h1-7b", context=8192, devices=0),
        Answer(host=Held(4_592_081_440, 509_403_136, 105_918_528)),
    ),
    (
        Case(model="gemma-3n-e4b"),
        Answer(
            devices=(Held(2_909_722_560, 67_108_864, 162_023_456),), host=Held(2_369_472_000, 0, 32_004_128)
        ),
    ),
    (
        Case(model="gemma-3n-e4b", **SLOTS),
        Answer(
            devices=(Held(2_909_722_560, 469_762_048, 654_385_184),), host=Held(2_369_472_000, 0, 134_307_872)
        ),
    ),
    (
        Case(model="gemma-3n-e4b", context=8192, devices=0),
        Answer(host=Held(5_279_194_560, 100_663_296, 167_794_720)),
    ),
    (
        Case(model="gemma-3n-e4b", context=16_384, devices=2),
        Answer(
            devices=(
                Held(1_255_025_280, 132_120_576, 461_447_168),
                Held(1_654_697_280, 35_651_584, 448_897_152),
            ),
            host=Held(2_369_472_000, 0, 110_715_008),
        ),
    ),
    (
        Case(model="laguna-xs.2"),
        Answer(
            devices=(Held(20_154_969_088, 293_601_280, 73_943_072),), host=Held(115_605_504, 0, 13_652_000)
        ),
    ),
    (
        Case(model="laguna-xs.2", **SLOTS),
        Answer(
            devices=(Held(20_154_969_088, 1_929_379_840, 302_063_648),), host=Held(115_605_504, 0, 60_899_360)
        ),
    ),
    (
        Case(model="laguna-xs.2", context=16_384, devices=2),
        Answer(
            devices=(
                Held(10_219_779_072, 465_567_744, 156_835_840),
                Held(9_935_190_016, 331_350_016, 173_613_184),
            ),
            host=Held(115_605_504, 0, 92_356_736),
        ),
    ),
)


@pytest.mark.parametrize(
    ("case", "answer"), ANSWERS, ids=lambda one: one.name if isinstance(one, Case) else ""
)
def test_weights_caches_states_and_buffers_are_what_llama_cpp_allocates(case: Case, answer: Answer) -> None:
    compared = list(pairs(case, answer, CATALOG, "0.5.0-dev"))

    assert [str(pair) for pair in compared if not pair.agrees] == []
    assert len(compared) > 2
