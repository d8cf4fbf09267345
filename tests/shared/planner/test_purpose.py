"""What fits, of the models made for one kind of work."""

import pytest

from shared.catalog.load import load_catalog
from shared.planner.planner import plan
from shared.question.query import Intent, Query

CATALOG = load_catalog()


def answer(purpose: str | None, gpu: str = "rtx-4090"):
    asked = Query(text="drawn", intent=Intent.WHAT_FITS, gpu=CATALOG.gpus[gpu], purpose=purpose)
    return plan(asked, CATALOG)


def models(purpose: str | None, gpu: str = "rtx-4090"):
    found = answer(purpose, gpu)
    return [one.estimate.workload.model for one in (*found.options, *found.more)]


def test_embedding_models_are_named_where_embeddings_are_wanted_and_only_there():
    assert {model.shape.kind for model in models("embedding")} == {"embedding"}
    assert {model.shape.kind for model in models(None)} == {"decoder"}


@pytest.mark.parametrize("purpose", ["vision", "audio"])
def test_a_model_named_for_seeing_or_hearing_has_the_tower_for_it(purpose):
    found = models(purpose)

    assert found
    assert all(purpose in {tower.kind for tower in model.towers} for model in found)


def test_code_models_come_from_the_current_ones_first_and_small_cards_get_older_ones():
    assert [model.id for model in models("code", "rtx-3060-12gb")][:1] == ["qwen2.5-coder-14b"]
    assert models("code", "h100-80gb")[0].parameters > 50e9


def test_the_reason_says_what_the_model_was_made_for():
    assert "made for math" in answer("math").options[0].reason
