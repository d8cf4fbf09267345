"""Whatever a config.json or a safetensors header holds, the outcome is a row or one short sentence."""

import datetime
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.catalog.rows import Model
from shared.errors import Unsupported, UserError
from shared.hub.config.shape import ADAPTERS
from shared.hub.documents import Documents
from shared.hub.fields import LONGEST_JSON, read_json
from shared.hub.row import model_row
from shared.hub.safetensors import header_bytes, parameters_by_type, plain_total
from tests.shared.hub.written_files import QWEN3_CONFIG, QWEN3_PARAMETERS, QWEN3_TENSORS, safetensors

CONFIGS = [
    json.loads(line)["config"]
    for name in ("published.jsonl", "others.jsonl")
    for line in (Path(__file__).parent / "configs" / name).read_text(encoding="utf-8").splitlines()
]
DAY = datetime.date(2026, 11, 23)

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 2**70),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=20),
    st.lists(
        st.one_of(st.integers(-3, 5), st.text(max_size=3), st.none(), st.lists(st.integers(), max_size=2)),
        max_size=4,
    ),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)


def outcome(config: Any, parameters: int = 0) -> Model | UserError:
    """The row of a config, or the sentence it is refused with."""
    read = Documents(
        name="some-one/some_model",
        place="https://example.test",
        config=config,
        read_on=DAY,
        parameters=parameters,
    )
    try:
        return model_row(read)
    except UserError as error:
        return error


def _changed(data: st.DataObject, value: Any) -> Any:
    """Anything else that JSON holds, or the same list or object with one entry changed."""
    if value and isinstance(value, dict | list) and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
        value[key] = _changed(data, value[key])
        return value
    return data.draw(JUNK)


@settings(max_examples=600, deadline=None)
@given(data=st.data())
def test_a_config_with_fields_changed_or_lost_is_a_row_or_a_sentence(data: st.DataObject) -> None:
    """Every published config, with up to four of its fields taken away or replaced by anything JSON holds."""
    config = json.loads(json.dumps(data.draw(st.sampled_from(CONFIGS))))
    part = config["text_config"] if "text_config" in config and data.draw(st.booleans()) else config
    for name in data.draw(st.lists(st.sampled_from(sorted(part)), max_size=4)):
        part[name] = _changed(data, part[name])
    found = outcome(config)

    if isinstance(found, UserError):
        assert 0 < len(found.sentence) < 400
    else:
        assert found.parameters > 0
        assert 0 < found.active_parameters <= found.parameters


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(sorted(ADAPTERS)), fields=st.dictionaries(st.text(max_size=8), JUNK, max_size=5))
def test_a_config_of_next_to_nothing_is_a_sentence(kind: str, fields: dict[str, Any]) -> None:
    """No adapter fills in sizes that the config does not say."""
    found = outcome({**fields, "model_type": kind})

    assert isinstance(found, UserError)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not JSON"),
        ("[1, 2]", "no JSON object"),
        ("{" * 100_000, "is not JSON"),
        ('{"a":' * 60 + "1" + "}" * 60, "nested"),
        ('{"a": [' + "[" * 60 + "]" * 60 + "]}", "nested"),
        (" " * (LONGEST_JSON + 1), "larger than"),
        (b"\xff\xfe{}\x00", "is not JSON"),
        ('{"vocab_size": ' + "9" * 5000 + "}", "is not JSON"),
    ],
)
def test_json_that_is_none_or_too_much_is_one_sentence(text: str | bytes, why: str) -> None:
    """Cut off, too long, too deep, of another encoding."""
    with pytest.raises(Unsupported, match=why):
        read_json(text, "config.json")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"model_type": "mystery"}, "no rule for the architecture 'mystery'"),
        ({"model_type": None}, "no model_type"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers"),
        ({"num_hidden_layers": -1}, "num_hidden_layers"),
        ({"num_hidden_layers": 1.5}, "num_hidden_layers"),
        ({"num_hidden_layers": True}, "num_hidden_layers"),
        ({"hidden_size": "64"}, "hidden_size"),
        ({"num_key_value_heads": 3}, "do not divide"),
        ({"head_dim": None, "num_attention_heads": 7, "num_key_value_heads": 7}, "not shared evenly"),
        ({"vocab_size": None}, "vocab_size"),
        ({"tie_word_embeddings": "no"}, "tie_word_embeddings"),
        ({"max_position_embeddings": 0}, "max_position_embeddings"),
        ({"quantization_config": {"quant_method": "aqlm"}}, "aqlm"),
        ({"moe_latent_size": 1024}, "moe_latent_size"),
    ],
)
def test_a_config_that_cannot_be_is_one_sentence(change: dict[str, Any], why: str) -> None:
    """The sentence names the field."""
    found = outcome({**QWEN3_CONFIG, **change})

    assert isinstance(found, UserError)
    assert why in found.sentence


def test_a_sum_far_from_what_the_files_hold_is_no_row() -> None:
    """A config read wrongly shows by its sum, and nothing is said of it then."""
    assert isinstance(outcome(QWEN3_CONFIG, QWEN3_PARAMETERS), Model)
    found = outcome(QWEN3_CONFIG, QWEN3_PARAMETERS * 2)

    assert isinstance(found, Unsupported)
    assert "read it wrongly" in found.sentence


def test_what_stands_beside_the_decoder_is_the_rest_of_the_count() -> None:
    """An image encoder is what the files hold and the decoder does not."""
    found = outcome(
        {"model_type": "x", "text_config": QWEN3_CONFIG, "vision_config": {}}, QWEN3_PARAMETERS + 5_000
    )

    assert isinstance(found, Model)
    assert [tower.parameters for tower in found.towers] == [5_000]
    assert found.parameters == QWEN3_PARAMETERS + 5_000


def test_a_safetensors_header_counts_its_parameters() -> None:
    """By stored type; the metadata is no tensor."""
    content = safetensors(QWEN3_TENSORS)
    length = header_bytes(content[:8])

    counts = parameters_by_type(content[8 : 8 + length])
    assert counts == {"BF16": QWEN3_PARAMETERS}
    assert plain_total(counts) == (QWEN3_PARAMETERS, "BF16")
    assert plain_total({"I32": 10, "BF16": 20}) == (0, None)


@pytest.mark.parametrize(
    "header",
    [
        b"{}}",
        b'{"a": 1}',
        b'{"a": {"dtype": "BF16"}}',
        b'{"a": {"dtype": "BF16", "shape": [-1]}}',
        b'{"a": {"dtype": "BF16", "shape": [true]}}',
        b'{"a": {"dtype": "BF16", "shape": [4611686018427387904, 4611686018427387904]}}',
        b'{"a": {"dtype": 7, "shape": [1]}}',
    ],
)
def test_a_safetensors_header_that_cannot_be_is_one_sentence(header: bytes) -> None:
    """Shapes that lie and tensors that are none."""
    with pytest.raises(Unsupported):
        parameters_by_type(header)


@pytest.mark.parametrize("start", [b"", b"\0" * 8, b"\xff" * 8, struct.pack("<Q", 2**40)])
def test_a_safetensors_length_that_cannot_be_is_one_sentence(start: bytes) -> None:
    """No gigabytes are read because a length says so."""
    with pytest.raises(Unsupported):
        header_bytes(start)


@settings(max_examples=200, deadline=None)
@given(header=st.binary(max_size=200))
def test_any_safetensors_header_is_counted_or_refused(header: bytes) -> None:
    """Only our own errors come out."""
    try:
        counts = parameters_by_type(header)
    except UserError:
        return
    assert all(count >= 0 for count in counts.values())


@settings(max_examples=300, deadline=None)
@given(
    header=st.dictionaries(
        st.one_of(st.sampled_from(sorted(QWEN3_TENSORS)), st.just("__metadata__"), st.text(max_size=8)),
        st.one_of(
            JUNK,
            st.fixed_dictionaries(
                {},
                optional={
                    "dtype": st.one_of(JUNK, st.sampled_from(["BF16", "F8_E4M3", "I32", "U8"])),
                    "shape": st.one_of(JUNK, st.lists(st.integers(0, 2**40), max_size=9)),
                    "data_offsets": JUNK,
                },
            ),
        ),
        max_size=6,
    ),
    cut=st.integers(0, 40),
)
def test_a_safetensors_header_with_tensors_changed_is_counted_or_refused(
    header: dict[str, Any], cut: int
) -> None:
    """Tensors of any type and shape JSON holds, the text cut short or not."""
    text = json.dumps(header).encode()
    try:
        counts = parameters_by_type(text[: len(text) - cut] if cut < 20 else text)
    except UserError:
        return
    total, stored = plain_total(counts)
    assert total >= 0
    assert stored is None or stored in counts
