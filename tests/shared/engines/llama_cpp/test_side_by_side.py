"""Layers with attention and a recurrent state side by side (Falcon-H1), against llama.cpp's own allocation.

Asked of llama-fit-params and ggml-rpc-server of llama.cpp 0.5.0-dev (0c1e57098, PyPI llama-cpp-python 0.3.36), with a
sparse file of the real shape of Falcon H1 7B at Q4_K_M.
"""

import pytest

from benchmarks.oracle.case import Answer, Case, Held
from benchmarks.oracle.compare import pairs
from shared.catalog.load import load_catalog

CATALOG = load_catalog()
WEIGHTS, EMBEDDING = 4_367_356_768, 224_724_672
ANSWERS = (
    (
        Case(model="falcon-h1-7b"),
        Answer(devices=(Held(WEIGHTS, 324_853_760, 95_430_720),), host=Held(EMBEDDING, 0, 16_789_568)),
    ),
    (
        Case(model="falcon-h1-7b", context=16_384, ubatch=2048, sequences=4),
        Answer(devices=(Held(WEIGHTS, 1_299_415_040, 381_722_688),), host=Held(EMBEDDING, 0, 67_158_080)),
    ),
    (
        Case(model="falcon-h1-7b", context=20_001, ubatch=1000, program="llama-cli"),
        Answer(devices=(Held(WEIGHTS, 1_051_516_928, 544_772_000),), host=Held(EMBEDDING, 0, 65_052_032)),
    ),
    (
        Case(model="falcon-h1-7b", context=8192, devices=0),
        Answer(host=Held(WEIGHTS + EMBEDDING, 509_403_136, 105_918_528)),
    ),
)


@pytest.mark.parametrize(
    ("case", "answer"), ANSWERS, ids=lambda one: one.name if isinstance(one, Case) else ""
)
def test_weights_caches_states_and_buffers_are_what_llama_cpp_allocates(case: Case, answer: Answer) -> None:
    compared = list(pairs(case, answer, CATALOG, "0.5.0-dev"))

    assert [str(pair) for pair in compared if not pair.agrees] == []
    assert len(compared) > 2
