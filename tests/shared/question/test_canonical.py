"""The stable text form of a query parses back to the query."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.catalog.load import load_catalog
from shared.errors import UserError
from shared.question.canonical import canonical_text
from shared.question.parse import parse_question
from shared.question.query import Query

CATALOG = load_catalog()
FILES = sorted((Path(__file__).parents[2] / "phrasings").glob("*.jsonl"))
TEXTS = [json.loads(line)["text"] for file in FILES for line in file.read_text(encoding="utf-8").splitlines()]


def _meaning(query: Query) -> Query:
    """A query less what only its wording decides."""
    ambiguous = tuple(sorted((replace(one, given="") for one in query.ambiguous), key=lambda one: one.field))
    return replace(query, text="", readings=(), warnings=(), ambiguous=ambiguous)


def test_the_form_is_the_documented_one():
    query = parse_question(
        "can mixtral 8x22b q4_k_m run on 2x A100 40GB, 32k, kv q8, 8 users, vllm?", CATALOG
    )
    assert canonical_text(query) == (
        "mixtral-8x22b Q4_K_M 2x a100-40gb ctx=32768 kv=q8_0 users=8 engine=vllm"
    )


@pytest.mark.parametrize("text", TEXTS)
def test_every_phrasing_survives_the_round_trip(text):
    try:
        query = parse_question(text, CATALOG)
    except UserError:
        return
    assert _meaning(parse_question(canonical_text(query), CATALOG)) == _meaning(query)


def _one_of(*values: str) -> st.SearchStrategy[str]:
    return st.sampled_from(("", *values))


@settings(max_examples=150, deadline=None)
@given(
    model=st.sampled_from(sorted(CATALOG.models)),
    gpu=st.sampled_from(sorted(CATALOG.gpus)),
    quantization=_one_of(*CATALOG.quantizations),
    count=_one_of("1x", "2x", "7x", "1024x"),
    context=_one_of("ctx=1", "ctx=100 tokens", "8k", "1m context", "at full context"),
    cache=_one_of("kv=f16", "kv=q8_0", "kv=fp8", "kv=fp8_e5m2", "kv=q4_1"),
    engine=_one_of(*CATALOG.engines),
    rest=_one_of("users=1", "20 users", "ngl=0", "tp=4", "64GB RAM", "max context", "cheapest"),
)
def test_any_combination_survives_the_round_trip(
    model, gpu, quantization, count, context, cache, engine, rest
):
    text = " ".join(
        (model, quantization, "on", count, gpu, context, cache, engine and f"with {engine}", rest)
    )
    query = parse_question(text, CATALOG)
    assert query.model is CATALOG.models[model]
    assert _meaning(parse_question(canonical_text(query), CATALOG)) == _meaning(query)
