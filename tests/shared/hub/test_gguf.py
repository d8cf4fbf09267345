"""GGUF headers: read in bounded steps, of one shape with the config they were made from, and never a crash."""

import datetime
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.catalog.rows import Model
from shared.errors import Unsupported, UserError
from shared.hub.config.shape import shape_of_config
from shared.hub.documents import Documents
from shared.hub.gguf import header as header_module
from shared.hub.gguf.config import FIELDS, MODEL_TYPES, config_of_header, file_type_of
from shared.hub.gguf.header import Read, read_header
from shared.hub.row import model_row
from tests.shared.hub.written_files import (
    QWEN3_CONFIG,
    QWEN3_GGUF,
    QWEN3_METADATA,
    QWEN3_PARAMETERS,
    gguf,
)

FILE = gguf(QWEN3_METADATA, QWEN3_GGUF)


def reader(content: bytes) -> Read:
    """Reads of a file that holds this."""
    return lambda offset, count: content[offset : offset + count]


def refusal(read: Callable[[], object]) -> str | None:
    """The sentence something is refused with, or None."""
    try:
        read()
    except UserError as error:
        return error.sentence
    return None


def shape_in(metadata: dict[str, Any], tensors: dict[str, tuple[int, ...]]) -> object:
    """The shape of a file of these keys and tensors."""
    return shape_of_config(config_of_header(read_header(reader(gguf(metadata, tensors)))))


@pytest.mark.parametrize("version", [2, 3])
def test_a_header_says_what_was_written(version: int) -> None:
    """Scalars, texts and lists; of long lists their length; every tensor."""
    found = read_header(reader(gguf(QWEN3_METADATA, QWEN3_GGUF, version=version)))

    assert found.metadata["qwen3.block_count"] == 2
    assert found.metadata["tokenizer.ggml.add_bos_token"] is True
    assert found.metadata["tokenizer.chat_template"] == "{{ messages }}"
    assert found.lengths["tokenizer.ggml.tokens"] == 256
    assert dict(found.tensors) == QWEN3_GGUF
    assert found.parameters == QWEN3_PARAMETERS
    assert file_type_of(found) == "Q4_K_M"


def test_a_file_and_the_config_it_was_made_from_have_one_shape() -> None:
    """So whichever of the two is published, the answer is the same."""
    assert shape_in(dict(QWEN3_METADATA), dict(QWEN3_GGUF)) == shape_of_config(QWEN3_CONFIG)


def test_a_file_without_a_head_is_tied() -> None:
    """llama.cpp reads the embeddings again."""
    tied = {name: shape for name, shape in QWEN3_GGUF.items() if name != "output.weight"}

    assert shape_in(dict(QWEN3_METADATA), tied) == shape_of_config(
        {**QWEN3_CONFIG, "tie_word_embeddings": True}
    )


def test_a_llama_of_experts_is_a_mixtral() -> None:
    """llama.cpp has one architecture for both."""
    metadata = {key.replace("qwen3", "llama"): value for key, value in QWEN3_METADATA.items()}
    metadata |= {"general.architecture": "llama", "llama.expert_count": 8, "llama.expert_used_count": 2}
    config = {**QWEN3_CONFIG, "model_type": "mixtral", "num_local_experts": 8, "num_experts_per_tok": 2}

    assert shape_in(metadata, dict(QWEN3_GGUF)) == shape_of_config(config)


def test_latent_attention_is_read_from_its_own_keys() -> None:
    """DeepSeek's files name the compressed row, and the heads it expands into apart."""
    metadata = {
        "general.architecture": "deepseek2",
        "deepseek2.block_count": 3,
        "deepseek2.embedding_length": 64,
        "deepseek2.feed_forward_length": 128,
        "deepseek2.context_length": 4096,
        "deepseek2.attention.head_count": 4,
        "deepseek2.attention.head_count_kv": 1,
        "deepseek2.attention.key_length": 40,
        "deepseek2.attention.value_length": 32,
        "deepseek2.attention.key_length_mla": 24,
        "deepseek2.attention.value_length_mla": 16,
        "deepseek2.attention.kv_lora_rank": 32,
        "deepseek2.rope.dimension_count": 8,
        "deepseek2.expert_count": 4,
        "deepseek2.expert_used_count": 2,
        "deepseek2.expert_shared_count": 1,
        "deepseek2.expert_feed_forward_length": 32,
        "deepseek2.leading_dense_block_count": 1,
    }
    config = {
        "model_type": "deepseek_v3",
        "num_hidden_layers": 3,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_attention_heads": 4,
        "kv_lora_rank": 32,
        "qk_rope_head_dim": 8,
        "qk_nope_head_dim": 16,
        "v_head_dim": 16,
        "n_routed_experts": 4,
        "num_experts_per_tok": 2,
        "n_shared_experts": 1,
        "moe_intermediate_size": 32,
        "first_k_dense_replace": 1,
        "vocab_size": 256,
    }
    tensors = {"token_embd.weight": (64, 256), "output.weight": (64, 256), "blk.1.exp_probs_b.bias": (4,)}

    assert shape_in(metadata, tensors) == shape_of_config(config)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "ends within its header"),
        (b"GGML" + FILE[4:], "does not begin as a GGUF file"),
        (b"GGUF" + struct.pack("<I", 1) + FILE[8:], "version 1"),
        (b"GGUF" + struct.pack(">I", 3) + FILE[8:], "little-endian"),
        (FILE[:-40], "ends within its header"),
        (FILE[:100], "ends within its header"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**40, 1), "more tensors or keys"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 2**60), "more tensors or keys"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**62), "longer than any name"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<I", 77), "unknown type"),
        (
            b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<IIQ", 9, 4, 2**50),
            "longer than any vocabulary",
        ),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<IIQ", 9, 9, 2), "unknown type"),
        (gguf({}, {"a": (2**40, 2**40)}), "larger than any model"),
        (
            b"GGUF" + struct.pack("<IQQQ", 3, 1, 0, 1) + b"t" + struct.pack("<I", 9),
            "tensor of 9 dimensions",
        ),
    ],
)
def test_a_hostile_header_is_one_sentence(content: bytes, why: str) -> None:
    """Lengths that lie, types that are none, and files that end early."""
    with pytest.raises(Unsupported) as caught:
        read_header(reader(content))

    assert why in caught.value.sentence


def test_no_more_is_read_than_any_header_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that goes on and on is given up at the bound, however it is cut."""
    monkeypatch.setattr(header_module, "MOST_HEADER_BYTES", 200_000)
    monkeypatch.setattr(header_module, "STEP_BYTES", 10_000)
    asked: list[int] = []
    endless = gguf({f"key {index}": "x" * 60_000 for index in range(100)}, {})

    def read(offset: int, count: int) -> bytes:
        asked.append(offset + count)
        return endless[offset : offset + count]

    with pytest.raises(Unsupported, match="larger than"):
        read_header(read)
    assert max(asked) <= 200_000


def test_a_reader_that_gives_less_than_asked_is_asked_again() -> None:
    """A network hands over what it has."""
    found = read_header(lambda offset, count: FILE[offset : offset + min(count, 700)])

    assert found.parameters == QWEN3_PARAMETERS


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"general.architecture": "jamba"}, "jamba"),
        ({"general.architecture": 3}, "no architecture"),
        ({"qwen3.block_count": "two"}, "how many layers"),
        ({"qwen3.feed_forward_length": [128, 64]}, "differ"),
        ({"qwen3.attention.head_count": 0}, "num_attention_heads"),
        ({"qwen3.embedding_length": "wide"}, "hidden_size"),
    ],
)
def test_a_header_that_cannot_be_is_one_sentence(change: dict[str, Any], why: str) -> None:
    """The sentence says which field."""
    with pytest.raises(Unsupported) as caught:
        shape_in({**QWEN3_METADATA, **change}, dict(QWEN3_GGUF))

    assert why in caught.value.sentence


def test_a_projector_is_no_model() -> None:
    """A file without embeddings is a part of one."""
    with pytest.raises(Unsupported, match="part of a model"):
        shape_in(dict(QWEN3_METADATA), {"v.patch_embd.weight": (3, 3)})


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(FILE) - 1), junk=st.binary(min_size=1, max_size=12))
@example(at=24, junk=b"\xff" * 8)
def test_bytes_changed_anywhere_cost_a_sentence_at_most(at: int, junk: bytes) -> None:
    """Whatever a file holds, only our own errors come out."""
    content = FILE[:at] + junk + FILE[at + len(junk) :]
    sentence = refusal(lambda: shape_of_config(config_of_header(read_header(reader(content)))))

    assert sentence is None or 0 < len(sentence) < 400


VALUES = st.one_of(
    st.integers(0, 64),
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.floats(width=32),
    st.text(max_size=8),
    st.lists(st.integers(-(2**31), 2**31 - 1), max_size=4),
    st.lists(st.integers(0, 8), min_size=2, max_size=2),
)


@settings(max_examples=600, deadline=None)
@given(
    architecture=st.sampled_from(sorted(MODEL_TYPES)),
    changes=st.dictionaries(st.sampled_from([*FIELDS.values(), "block_count"]), VALUES, max_size=5),
    tensors=st.dictionaries(
        st.sampled_from([*QWEN3_GGUF, "blk.0.attn_q.bias", "rope_freqs.weight", "blk.1.exp_probs_b.bias"]),
        st.lists(st.integers(0, 2**40), min_size=1, max_size=4).map(tuple),
        max_size=3,
    ),
)
def test_keys_and_tensors_changed_cost_a_sentence_at_most(
    architecture: str, changes: dict[str, Any], tensors: dict[str, tuple[int, ...]]
) -> None:
    """Every architecture read, with keys and tensors of any value: a row or a sentence."""
    metadata = {key.replace("qwen3.", f"{architecture}."): value for key, value in QWEN3_METADATA.items()}
    metadata |= {f"{architecture}.{key}": value for key, value in changes.items()}
    content = gguf({**metadata, "general.architecture": architecture}, {**QWEN3_GGUF, **tensors})
    sentence = refusal(lambda: row_of_file(content))

    assert sentence is None or 0 < len(sentence) < 400


def row_of_file(content: bytes) -> Model:
    """The row of a file that holds this, as local files are read."""
    header = read_header(reader(content))
    read = Documents(
        name="someone/some-model",
        place="a file",
        config=config_of_header(header),
        parameters=header.parameters,
        quantization=file_type_of(header),
        read_on=datetime.date(2026, 11, 23),
    )
    return model_row(read)


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=300))
def test_any_bytes_after_the_magic_cost_a_sentence_at_most(content: bytes) -> None:
    """The same for files that are nothing but noise."""
    sentence = refusal(lambda: read_header(reader(b"GGUF\x03\0\0\0" + content)))

    assert sentence is None or 0 < len(sentence) < 400
