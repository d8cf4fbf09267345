"""Whatever is typed, the parser answers with a query or with a sentence, and never with another exception."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.catalog.load import load_catalog
from shared.errors import UserError
from shared.question.context import LONGEST_CONTEXT
from shared.question.flags import MOST_GPUS
from shared.question.normalise import LONGEST_QUESTION
from shared.question.parse import parse_question
from shared.question.query import Query

CATALOG = load_catalog()
PIECES = (
    "llama", "3.1", "70b", "8x22b", "mixtral", "qwen3", "a3b", "q4_k_m", "4-bit", "kv", "q8", "fp8",
    "awq", "32k", "ctx", "context", "128", "for", "users", "2x", "x4", "4090", "a100", "80gb", "laptop",
    "ti", "super", "h100", "m2", "max", "24", "GB", "RAM", "VRAM", "vs", "or", "on", "with", "vllm",
    "ollama", "-ngl", "tp", "=", "how many", "cheapest", "999999999999999999999", "0", "1.5", "(", ")",
    "/", ":", "?", "×", "<@U1>", "&amp;", "org/name-7b", "两张", "½", "²", "total", "each", "nodes",
    "gpus", "full", "biggest", "3g.20gb", "mac", "gpu?=a|b", "model?=x|y", "1e9", "0.0.0", "b",
)  # fmt: skip


def _check(text: str) -> None:
    query = _query_or_refusal(text)
    if isinstance(query, UserError):
        assert query.sentence
        assert "\n" not in query.sentence
        return
    assert query.text == text
    assert query.gpu_count is None or 1 <= query.gpu_count <= MOST_GPUS
    assert query.context_tokens is None or 1 <= query.context_tokens <= LONGEST_CONTEXT
    assert query.sequences is None or query.sequences >= 1


def _query_or_refusal(text: str) -> Query | UserError:
    try:
        return parse_question(text, CATALOG)
    except UserError as refusal:
        return refusal


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_gets_a_query_or_a_sentence(text):
    _check(text)


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25), st.sampled_from((" ", "", "-", ", ")))
def test_any_mixture_of_words_gets_a_query_or_a_sentence(pieces, separator):
    _check(separator.join(pieces))


@pytest.mark.parametrize("separator", ["", " ", "-"])
@pytest.mark.parametrize("piece", [*PIECES, "i7", "a pair of", "ryzen", "kv cache", "[", "context of", "的"])
def test_any_word_over_and_over_gets_a_query_or_a_sentence(piece, separator):
    """No pattern backtracks without end: each of these questions is as long as a question may be."""
    _check(((piece + separator) * LONGEST_QUESTION)[:LONGEST_QUESTION])
