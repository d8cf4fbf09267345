"""Every phrasing in tests/phrasings is read as expected there; each line says where its wording comes from."""

import json
from pathlib import Path

import pytest

from shared.errors import UserError
from shared.question.parse import parse_question
from tests.shared.question.reading import reading_of

FILES = sorted((Path(__file__).parents[2] / "phrasings").glob("*.jsonl"))
PHRASINGS = [
    pytest.param(json.loads(line), id=f"{file.stem}:{number}")
    for file in FILES
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
]


def test_there_are_at_least_400_phrasings_each_with_its_source():
    assert len(PHRASINGS) >= 400
    assert all(phrasing.values[0]["source"] for phrasing in PHRASINGS)


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_a_phrasing_is_read_as_expected(phrasing, catalog):
    """All fields agree, those not listed are not read; choices of models may grow with the catalog."""
    if "error" in phrasing:
        with pytest.raises(UserError) as refusal:
            parse_question(phrasing["text"], catalog)
        assert refusal.value.field == phrasing["error"]
        assert phrasing.get("says", "").lower() in refusal.value.sentence.lower()
        return
    expected = {"intent": "fit"} | {k: v for k, v in phrasing.items() if k not in ("text", "source")}
    read = reading_of(parse_question(phrasing["text"], catalog))
    asked_back = {field: set(choices) for field, choices in expected.pop("ambiguous", {}).items()}
    asked = read.pop("ambiguous", {})
    assert read == expected
    assert asked.keys() == asked_back.keys()
    for field, choices in asked_back.items():
        assert asked[field] >= choices if field == "model" else asked[field] == choices
