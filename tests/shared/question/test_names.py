"""Every id and name the catalog gives is understood as that row, so that what we print can be typed back."""

import pytest

from shared.errors import UserError
from shared.question.parse import parse_question


def test_every_model_id_name_and_repository_means_its_row(catalog):
    for model in catalog.models.values():
        for name in (model.id, model.name, model.repo_id):
            assert parse_question(f"{name} on L4", catalog).model is model, name


def test_every_gpu_id_and_name_means_its_row(catalog):
    for gpu in catalog.gpus.values():
        for name in (gpu.id, gpu.name):
            assert parse_question(f"llama 3.1 8b on {name}", catalog).gpu is gpu, name


def test_every_quantization_id_means_its_row(catalog):
    for row in catalog.quantizations.values():
        assert parse_question(f"llama 3.1 8b {row.id} on L4", catalog).quantization is row, row.id


def test_every_engine_name_means_its_row(catalog):
    for engine in catalog.engines.values():
        for name in (engine.id, engine.name):
            assert parse_question(f"llama 3.1 8b with {name} on L4", catalog).engine == engine.id, name


def test_a_model_alias_never_means_a_model_that_does_not_carry_it(catalog):
    """An alias of several rows may be asked back; it never turns into a row of another name."""
    for model in catalog.models.values():
        for alias in model.aliases:
            if "/" in alias:
                continue
            carriers = {row.id for row in catalog.models.values() if alias in row.aliases}
            query = _parsed(alias, catalog)
            if query is not None and query.model is not None:
                assert query.model.id in carriers, alias


def _parsed(alias, catalog):
    try:
        return parse_question(f"{alias} on L4", catalog)
    except UserError:
        return None


@pytest.mark.parametrize(
    ("words", "how"),
    [
        ("llama-3.1-8b on rtx-4090", "exact"),
        ("Llama 3.1 8B on 4090", "exact"),
        ("meta llama3.1 8b instruct on 4090", "alias"),
        ("lama 3.1 8b on 4090", "corrected"),
        ("mixtral 8x22 on 4090", "assumed"),
        ("deepseek r1 32b on 4090", "alias"),
        ("qwen 235b on 4090", "assumed"),
    ],
)
def test_how_a_model_was_read_is_said(words, how, catalog):
    (reading,) = [one for one in parse_question(words, catalog).readings if one.field == "model"]
    assert reading.how == how


def test_a_loose_quantization_is_marked_as_assumed(catalog):
    readings = parse_question("llama 3.1 8b 4-bit on 4090", catalog).readings
    assert [(one.value, one.how) for one in readings if one.field == "quantization"] == [
        ("Q4_K_M", "assumed")
    ]


def test_readings_quote_the_person(catalog):
    query = parse_question("Can Mixtral 8x22B in Q4_K_M run on 2x A100 40GB at 32k?", catalog)
    given = {one.field: one.given for one in query.readings}
    assert given["model"] == "Mixtral 8x22B"
    assert given["quantization"] == "Q4_K_M"
    assert given["context_tokens"] == "32k"
    assert given["gpu"] == "A100"


def test_unsloths_own_mix_is_said_not_to_be_the_plain_type(catalog):
    own = parse_question("deepseek r1 UD-IQ2_XXS on 4x H100 80GB", catalog)
    plain = parse_question("deepseek r1 IQ2_XXS on 4x H100 80GB", catalog)
    assert own.quantization == plain.quantization
    assert any("UD files mix types of their own" in warning for warning in own.warnings)
    assert plain.warnings == ()


def test_models_side_by_side_are_said_to_be_planned_alone(catalog):
    together = parse_question(
        "can we colocate gemma 3 12b q4 and llama 3.1 8b q4 on a single A10 24GB?", catalog
    )
    apart = parse_question("gemma 3 12b vs llama 3.1 8b on a10", catalog)
    assert any("the sum of what each takes" in warning for warning in together.warnings)
    assert apart.warnings == ()
