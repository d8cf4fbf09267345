"""The text that buttons carry reads back as the same query, for everything a query can hold."""

import itertools
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from bot.canonical import canonical_text, with_choice, with_suggestion
from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog
from shared.errors import UserError
from shared.question.parse import parse_question
from shared.question.query import Intent, Query

CATALOG = load_catalog()
PHRASINGS = sorted((Path(__file__).parents[1] / "phrasings").glob("*.jsonl"))
TEXTS = [
    json.loads(line)["text"] for file in PHRASINGS for line in file.read_text(encoding="utf-8").splitlines()
]
FIELDS = (
    "intent", "model", "gpu", "gpu_count", "quantization", "context_tokens", "engine", "sequences", "kv_cache_type",
    "gpu_memory_bytes", "purpose", "gpus_beside", "host_memory_bytes", "gpu_layers", "tensor_parallel", "other_models",
)  # fmt: skip


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return CATALOG


def same(query: Query, catalog: Catalog) -> None:
    text = canonical_text(query)
    again = parse_question(text, catalog)
    for field in FIELDS:
        assert getattr(again, field) == getattr(query, field), f"{field} of {text!r}"
    assert again.ambiguous == (), text
    assert canonical_text(again) == text


def everything(seed: int) -> Query:
    """A query with a random choice in every field."""
    chance = random.Random(seed)
    model, gpu = chance.choice(list(CATALOG.models.values())), chance.choice(list(CATALOG.gpus.values()))
    quantization = chance.choice([None, *CATALOG.quantizations.values()])
    count = chance.choice([None, 1, 2, 4, 8])
    return Query(
        text="",
        model=model,
        gpu=gpu,
        gpu_count=count,
        quantization=quantization,
        context_tokens=chance.choice([None, 4096, 8192, 20_000, 32_768, 131_072]),
        engine=chance.choice([None, *CATALOG.engines]),
        sequences=chance.choice([None, 1, 4, 8, 64]),
        kv_cache_type=chance.choice([None, "f16", "q8_0", "fp8"]),
        host_memory_bytes=None if gpu.unified_memory else chance.choice([None, None, 64 * 1024**3]),
        gpu_layers=chance.choice([None, None, 0, 20]),
        tensor_parallel=chance.choice([None, count]),
    )


@pytest.mark.parametrize("seed", range(200))
def test_a_query_with_anything_in_it_reads_back_as_itself(seed: int, catalog: Catalog) -> None:
    same(everything(seed), catalog)


@pytest.mark.parametrize("gpu", CATALOG.gpus.values(), ids=lambda gpu: gpu.id)
def test_every_gpu_is_named_so_that_no_other_is_meant(gpu, catalog: Catalog) -> None:
    same(Query(text="", intent=Intent.WHAT_FITS, gpu=gpu, gpu_count=2), catalog)


@pytest.mark.parametrize(
    ("model", "quantization"),
    list(itertools.zip_longest(CATALOG.models.values(), CATALOG.quantizations.values(), fillvalue=None)),
    ids=lambda row: row.id if row else "-",
)
def test_every_model_and_quantization_is_named_so_that_no_other_is_meant(
    model, quantization, catalog: Catalog
) -> None:
    model = model or CATALOG.models["mixtral-8x22b"]
    same(
        Query(
            text="", intent=Intent.FIT, model=model, quantization=quantization, gpu=CATALOG.gpus["a100-40gb"]
        ),
        catalog,
    )


@pytest.mark.parametrize(
    "question",
    [
        "can Mixtral 8x22B run on A100 40GB?",
        "what fits on 2x 4090?",
        "which gpu for llama 3.1 70b fp8?",
        "what is the longest context of llama 3.1 8b on a 4090?",
        "how many users can one H100 80GB serve with llama 3.1 70b fp8 at 8k?",
        "cheapest way to serve llama 3.1 70b for 8 users",
        "compare llama 3.1 70b vs qwen3 32b on h100 80gb",
        "llama 3.1 8b on a gpu with 24 GB",
    ],
)
def test_every_kind_of_question_stays_the_same_kind(question: str, catalog: Catalog) -> None:
    query = parse_question(question, catalog)
    if query.ambiguous:
        query = parse_question(
            with_choice(query, query.ambiguous[0], query.ambiguous[0].choices[0], catalog), catalog
        )
    same(query, catalog)


def test_a_choice_decides_the_ambiguous_part(catalog: Catalog) -> None:
    query = parse_question("mixtral 8x22b q4_k_m on A100", catalog)
    decided = with_choice(query, query.ambiguous[0], "a100-80gb", catalog)
    assert parse_question(decided, catalog).gpu == catalog.gpus["a100-80gb"]
    assert parse_question(decided, catalog).quantization == catalog.quantizations["Q4_K_M"]


def test_a_suggestion_takes_the_place_of_what_was_not_understood_and_of_nothing_else() -> None:
    assert (
        with_suggestion("Can MIXTRL 9x22b run?", "mixtrl 9x22b", "Mixtral 8x22B") == "Can Mixtral 8x22B run?"
    )
    assert with_suggestion("something else", "mixtrl", "Mixtral 8x22B") is None
    assert with_suggestion("anything", "", "Mixtral 8x22B") is None


def test_a_slice_of_a_gpu_stays_a_slice() -> None:
    asked = parse_question("llama 3.1 8b q4_k_m on an A100 40GB 3g.20gb", CATALOG)
    again = parse_question(canonical_text(asked), CATALOG)

    assert asked.gpu_memory_bytes is not None
    assert (again.gpu, again.gpu_memory_bytes) == (asked.gpu, asked.gpu_memory_bytes)


def test_different_gpus_of_one_machine_survive_their_buttons(catalog: Catalog) -> None:
    query = parse_question("llama 3.3 70b q4 on 2x 3090 and a 4090 with 128 GB RAM", catalog)

    assert [gpu.id for gpu in query.gpus_beside] == ["rtx-4090"]
    same(query, catalog)


def meaning(query: Query) -> Query:
    """A query less what only its wording decides, and less a number that nobody could place."""
    open_parts = [replace(one, given="") for one in query.ambiguous if not getattr(query, one.field, one)]
    open_parts.sort(key=lambda one: one.field)
    return replace(query, text="", readings=(), warnings=(), ambiguous=tuple(open_parts))


@pytest.mark.parametrize("text", TEXTS)
def test_every_phrasing_survives_its_buttons(text: str, catalog: Catalog) -> None:
    """What a question leaves open stays open, so that deciding one part does not lose another."""
    try:
        query = parse_question(text, catalog)
    except UserError:
        return
    assert meaning(parse_question(canonical_text(query), catalog)) == meaning(query)


def test_of_two_open_parts_deciding_one_leaves_the_other_to_be_asked(catalog: Catalog) -> None:
    query = parse_question("llama 70b on 2x A100", catalog)
    again = parse_question(with_choice(query, query.ambiguous[0], "a100-80gb", catalog), catalog)
    assert again.gpu == catalog.gpus["a100-80gb"]
    assert again.gpu_count == 2
    assert [one.field for one in again.ambiguous] == ["model"]


def test_choosing_among_different_numbers_of_gpus_takes_the_number_too(catalog: Catalog) -> None:
    query = parse_question("which is better: a6000 or 2x 4090 for llama 3.3 70b q4", catalog)
    (asked,) = query.ambiguous
    assert (asked.choices, asked.counts) == (("rtx-a6000", "rtx-4090"), (1, 2))
    decided = parse_question(with_choice(query, asked, "rtx-4090", catalog), catalog)
    assert (decided.gpu, decided.gpu_count) == (catalog.gpus["rtx-4090"], 2)


def test_a_number_nobody_could_place_is_asked_about_and_a_choice_places_it(catalog: Catalog) -> None:
    query = parse_question("qwen3 32b q4 on a 4090, 6", catalog)
    (asked,) = query.ambiguous
    assert (asked.field, asked.given) == ("number", "6")
    placed = parse_question(with_choice(query, asked, "6 users", catalog), catalog)
    assert (placed.sequences, placed.ambiguous) == (6, ())
