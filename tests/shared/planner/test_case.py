"""A question's gaps are filled and said; a number that cannot be is one clear sentence."""

import pytest

from shared.errors import BadValue
from shared.planner.case import case_of
from shared.question.query import Query


def _case(catalog, **said):
    model = catalog.models["mixtral-8x22b"]
    return case_of(Query(text="", model=model, **said), model, catalog.gpus["a100-40gb"])


def test_an_unsaid_context_is_8k_and_said_to_be_assumed(catalog):
    case = _case(catalog)

    assert case.context_tokens == 8192
    assert any("Context was not said" in line for line in case.assumptions)


def test_an_unsaid_context_is_never_beyond_the_models_own(catalog):
    model = next(row for row in catalog.models.values() if row.context_tokens < 8192)
    case = case_of(Query(text="", model=model), model, catalog.gpus["a100-40gb"])

    assert case.context_tokens == model.context_tokens


@pytest.mark.parametrize(
    ("said", "would_work"),
    [
        ({"gpu_count": 0}, "1 to 1,024 GPUs"),
        ({"gpu_count": 10_000}, "1 to 1,024 GPUs"),
        ({"context_tokens": 0}, "at least 1 token"),
        ({"context_tokens": 65_537}, "at most 65,536 tokens"),
        ({"sequences": 0}, "1 to 100,000 users"),
    ],
)
def test_a_number_that_cannot_be_says_what_would_work(catalog, said, would_work):
    with pytest.raises(BadValue) as refused:
        _case(catalog, **said)

    assert would_work in refused.value.sentence
    assert "\n" not in refused.value.sentence
