"""The first sentence says what a person would say, and no more good than is true."""

import pytest

from shared.catalog.catalog import Catalog
from shared.planner.planner import plan
from shared.question.parse import parse_question


@pytest.mark.parametrize(
    ("question", "start"),
    [
        ("llama 3.1 8b iq1_s on 3090", "Yes, but IQ1_S breaks the model: Llama 3.1 8B at IQ1_S takes "),
        ("llama 3.1 8b q4_k_m on 3090", "Yes: Llama 3.1 8B at Q4_K_M takes "),
        ("qwen3 32b q8_0 on 3090", "With changes: Qwen3 32B at Q8_0 needs "),
    ],
)
def test_a_fit_that_breaks_the_model_is_no_plain_yes(question: str, start: str, catalog: Catalog) -> None:
    assert plan(parse_question(question, catalog), catalog).sentence.startswith(start)
