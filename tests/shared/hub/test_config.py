"""Published configs, read by the adapters, are the rows of the catalog, which were made from other sources."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.catalog.load import load_catalog
from shared.catalog.names import find_model
from shared.catalog.rows import Model, Shape
from shared.catalog.validated import plain
from shared.errors import Unsupported
from shared.hub.config.quantization import quantization_of_config
from shared.hub.config.shape import ADAPTERS, shape_of_config

CATALOG = load_catalog()
FOLDER = Path(__file__).parent / "configs"
Entry = Mapping[str, Any]

STEP_COPY = {
    "architecture": "the row is Step 3.5 Flash's, of the same text part",
    "window_attention": "this copy leaves out the heads of windows",
    "mtp_layers": "this copy counts prediction layers, which the row does without",
}
# What is different between a repository's config and its model's row, and why that is right.
DIFFERENT = {
    "stepfun-ai/Step-3.7-Flash": STEP_COPY,
    "stepfun-ai/Step-3.7-Flash-FP8": STEP_COPY,
    "mistralai/Mixtral-8x22B-v0.1": {
        "vocabulary_size": "the instruct model, which the row is of, has more tokens"
    },
    "nvidia/Kimi-K2.5-NVFP4": {"architecture": "this copy calls Kimi's text part by its ancestor's name"},
    "nvidia/Kimi-K2.6-NVFP4": {"architecture": "this copy calls Kimi's text part by its ancestor's name"},
    "nvidia/Kimi-K2.7-Code-NVFP4": {
        "architecture": "this copy calls Kimi's text part by its ancestor's name"
    },
}


def entries(name: str) -> list[Entry]:
    """The configs of one file, one JSON object per line with its repository and source."""
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


PUBLISHED = entries("published.jsonl")
OTHERS = entries("others.jsonl")
READ = [*PUBLISHED, *OTHERS]


def fields_of(shape: Shape) -> dict[str, Any]:
    """A shape's fields with its layers spelled out, since a pattern may be written in several ways."""
    return {**plain(shape), "layer_pattern": [kind.value for kind in shape.layer_kinds()]}


def row_of(entry: Entry) -> Model:
    """The catalog's row of the model a config is of."""
    return find_model(entry["repo_id"], CATALOG)


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry["repo_id"]) for entry in READ])
def test_a_published_config_is_the_row(entry: Entry) -> None:
    """Every field of the shape agrees, or the difference has its reason here."""
    read, row = fields_of(shape_of_config(entry["config"])), fields_of(row_of(entry).shape)

    different = {name for name in read if read[name] != row[name]}
    assert different == set(DIFFERENT.get(entry["repo_id"], {}))


@pytest.mark.parametrize(
    ("name", "field", "said"),
    [
        ("nvidia/NVIDIA-Nemotron-3-Ultra-550B-A55B-BF16", "layers_block_type", "hybrid_override_pattern"),
        ("stepfun-ai/Step-3.7-Flash", "layer_types", "layer_types"),
    ],
)
def test_a_list_of_layers_that_was_folded_is_refused(name: str, field: str, said: str) -> None:
    """A copy that says which kinds there are and not their order; no order is guessed."""
    config = json.loads(json.dumps(next(entry["config"] for entry in READ if entry["repo_id"] == name)))
    part = config if field in config else config["text_config"]
    part[field] = {"patterns": sorted(set(part[field]))}
    with pytest.raises(Unsupported) as caught:
        shape_of_config(config)

    assert said in caught.value.sentence


def test_every_difference_listed_here_is_of_a_config_that_is_here() -> None:
    """A line above that no config needs any more must go."""
    assert set(DIFFERENT) <= {entry["repo_id"] for entry in PUBLISHED}


def test_most_adapters_are_held_against_a_row() -> None:
    """Adapters that no config here exercises are counted, so that their number is known and can only fall."""
    seen = {shape_of_config(entry["config"]).architecture for entry in READ}
    seen |= {entry["config"].get("text_config", entry["config"]).get("model_type") for entry in READ}
    functions = {ADAPTERS[kind] for kind in seen if kind in ADAPTERS}

    assert len(set(ADAPTERS.values()) - functions) <= 12


@pytest.mark.parametrize(
    ("config", "row"),
    [
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, "FP8"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "NVFP4"),
        ({"quant_method": "modelopt", "quant_algo": "FP8"}, "FP8"),
        ({"quant_algo": "FP8"}, "FP8"),
        ({"quant_method": "mxfp4"}, "MXFP4"),
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, "AWQ"),
        ({"quant_method": "gptq", "bits": 4}, "GPTQ"),
        ({"quant_method": "gptq", "bits": 8}, "GPTQ-INT8"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "NF4"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "LLM.INT8"),
        ({"quant_method": "exl3", "bits": 4.0}, "EXL3-4.0"),
        *(
            (
                {
                    "quant_method": "compressed-tensors",
                    "format": form,
                    "config_groups": {"group_0": {"weights": weights, "input_activations": inputs}},
                },
                row,
            )
            for form, weights, inputs, row in [
                (
                    "float-quantized",
                    {"num_bits": 8, "type": "float"},
                    {"num_bits": 8, "type": "float"},
                    "FP8",
                ),
                ("int-quantized", {"num_bits": 8, "type": "int"}, {"num_bits": 8, "type": "int"}, "INT8"),
                ("pack-quantized", {"num_bits": 8, "type": "int"}, None, "W8A16"),
                ("pack-quantized", {"num_bits": 4, "type": "int"}, None, "W4A16"),
                ("nvfp4-pack-quantized", {"num_bits": 4, "type": "float"}, {"num_bits": 4}, "NVFP4"),
                ("mxfp4-pack-quantized", {"num_bits": 4, "type": "float"}, {"num_bits": 4}, "MXFP4"),
            ]
        ),
    ],
)
def test_a_quantization_config_is_one_row(config: Entry, row: str) -> None:
    """As each quantizer writes it; the row exists."""
    assert quantization_of_config({"quantization_config": config}, None) == row
    assert row in CATALOG.quantizations


@pytest.mark.parametrize(
    "config",
    [
        {"quant_method": "aqlm", "bits": 2},
        {"quant_method": "gptq", "bits": 3},
        {"quant_method": "awq", "bits": 8},
        {"quant_method": "compressed-tensors", "config_groups": {}},
        {"quant_method": "modelopt", "quant_algo": "W4A8_SOMETHING"},
        {},
        {"bits": 4},
    ],
)
def test_a_quantization_no_row_stands_for_is_refused(config: Entry) -> None:
    """Never taken for the nearest."""
    with pytest.raises(Unsupported):
        quantization_of_config({"quantization_config": config or {"x": 1}}, None)


@pytest.mark.parametrize(
    ("config", "stored", "row"),
    [
        ({"torch_dtype": "bfloat16"}, None, "BF16"),
        ({"dtype": "float16"}, None, "F16"),
        ({"text_config": {"dtype": "bfloat16"}}, None, "BF16"),
        ({"torch_dtype": "float32"}, "BF16", "BF16"),
        ({}, "F8_E4M3", "FP8"),
        ({}, None, "F32"),
    ],
)
def test_without_one_the_stored_type_counts(config: Entry, stored: str | None, row: str) -> None:
    """What the files hold goes before what the config says of computing."""
    assert quantization_of_config(config, stored) == row


def test_deepseek_v4_says_its_experts_apart_from_the_rest() -> None:
    """expert_dtype beside an FP8 method; NVIDIA's copies say NVFP4 for the experts."""
    fp8 = {"quant_method": "fp8", "weight_block_size": [128, 128]}

    assert quantization_of_config({"expert_dtype": "fp4", "quantization_config": fp8}, None) == "MXFP4-FP8"
    nvidia = {**fp8, "moe_quant_algo": "NVFP4"}
    assert quantization_of_config({"expert_dtype": "fp4", "quantization_config": nvidia}, None) == "NVFP4"


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("meta-llama/Llama-3.2-11B-Vision-Instruct", "cross_attention_layers"),
        ("moonshotai/Kimi-K3", "kda_layers"),
    ],
)
def test_a_list_of_layers_that_lists_something_else_is_refused(name: str, field: str) -> None:
    """No layer is an object or true."""
    config = json.loads(json.dumps(next(entry["config"] for entry in READ if entry["repo_id"] == name)))
    text = config["text_config"]
    (text if field in text else text["linear_attn_config"])[field] = [1, {}, True]

    with pytest.raises(Unsupported, match=field):
        shape_of_config(config)
