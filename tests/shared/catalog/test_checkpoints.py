"""Repositories and files are read as the model they hold and the quantization their name says; numbers stay exact."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.catalog.checkpoints import Checkpoint, find_checkpoint
from shared.catalog.load import load_catalog
from shared.catalog.name_index import words
from shared.catalog.packaging import unpacked
from shared.errors import AmbiguousName, UnknownName, UserError

CATALOG = load_catalog()


def outcome(name: str) -> Checkpoint | UserError:
    """The checkpoint, or the sentence it is refused with."""
    try:
        return find_checkpoint(name, CATALOG)
    except UserError as error:
        return error


@pytest.mark.parametrize(
    ("name", "model", "quantization"),
    [
        ("RedHatAI/Qwen2.5-7B-Instruct-fp8-dynamic", "qwen2.5-7b", "FP8"),
        ("RedHatAI/Qwen2.5-7B-Instruct-quantized.w8a8", "qwen2.5-7b", "INT8"),
        ("TheBloke/Mixtral-8x7B-Instruct-v0.1-GGUF", "mixtral-8x7b", None),
        ("bartowski/Meta-Llama-3.1-8B-Instruct-GGUF", "llama-3.1-8b", None),
        ("bartowski/google_gemma-3-27b-it-GGUF", "gemma-3-27b", None),
        ("unsloth/Llama-3.3-70B-Instruct-bnb-4bit", "llama-3.3-70b", "NF4"),
        ("neuralmagic/Mistral-Nemo-Instruct-2407-FP8", "mistral-nemo-12b", "FP8"),
        ("cpatonn/Qwen3-30B-A3B-Thinking-2507-AWQ-4bit", "qwen3-30b-a3b-2507", "AWQ"),
        ("cyankiwi/gemma-4-26B-A4B-it-qat-AWQ-INT4", "gemma-4-26b-a4b", "AWQ"),
        ("TechxGenus/DeepSeek-Coder-V2-Lite-Instruct-AWQ", "deepseek-coder-v2-lite", "AWQ"),
        ("mistral-community/pixtral-12b", "pixtral-12b", None),
        ("Qwen3-30B-A3B-Instruct-2507-Int4-W4A16", "qwen3-30b-a3b-2507", "W4A16"),
        ("Qwen3-235B-A22B-W8A8", "qwen3-235b-a22b", "INT8"),
        ("Qwen3.8-27B-FP8", "qwen3.8-27b", "FP8"),
        ("DeepSeek-R1-0528-w8a8", "deepseek-r1", "INT8"),
        ("Qwen3-235B-A22B-128K", "qwen3-235b-a22b", None),
        ("qwen2-5-vl-7b-instruct-awq", "qwen2.5-vl-7b", "AWQ"),
        ("unsloth/Qwen3.8-27B-NVFP4", "qwen3.8-27b", "NVFP4"),
        ("Gemma 3 27b It Qat", "gemma-3-27b", None),
        ("Llama 3.1 70B Instruct 2024 12", "llama-3.1-70b", None),
        ("qwen3.8-27b-ud-q4km.gguf", "qwen3.8-27b", "Q4_K_M"),
        ("Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", "llama-3.1-8b", "Q4_K_M"),
        ("Phi-3-mini-128k-instruct-q4.gguf", "phi-3-mini-128k", "Q4_K_M"),
        ("gpt-oss-20b-mxfp4.gguf", "gpt-oss-20b", "MXFP4_MOE"),
        ("CodeQwen1.5-7B-Chat", "codeqwen1.5-7b", None),
        ("Mistral-7B-Instruct-v0.2-GPTQ", "mistral-7b-v0.2", "GPTQ"),
        ("Mistral-7B-Instruct-v0.1.Q8_0.gguf", "mistral-7b-v0.1", "Q8_0"),
        ("ISTA-DASLab/Llama-3.1-8B-GPTQ-8bit", "llama-3.1-8b", "GPTQ-INT8"),
        ("turboderp/Llama-3.1-8B-Instruct-exl3-4.0bpw", "llama-3.1-8b", "EXL3-4.0"),
        ("llama3.1:8b-instruct-q4_K_M", "llama-3.1-8b", "Q4_K_M"),
        ("phi-3-5-mini-instruct", "phi-3.5-mini", None),
        ("Qwen3-8B-00001-of-00002.gguf", "qwen3-8b", None),
        ("/models/models--Qwen--Qwen3-8B-AWQ/snapshots/0123abcd", "qwen3-8b", "AWQ"),
        ("https://huggingface.co/unsloth/Qwen3-8B-GGUF/blob/main/Qwen3-8B-Q5_K_M.gguf", "qwen3-8b", "Q5_K_M"),
        ("https://huggingface.co/Qwen/Qwen3-8B/tree/main", "qwen3-8b", None),
    ],
)
def test_a_checkpoint_is_its_model_and_the_quantization_it_says(
    name: str, model: str, quantization: str | None
) -> None:
    """Whoever repackaged it, in whatever spelling."""
    found = find_checkpoint(name, CATALOG)

    assert (found.model.id, found.quantization.id if found.quantization else None) == (model, quantization)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("qwen3-8b", "exact"),
        ("Qwen/Qwen3-8B-FP8", "exact"),
        ("someone/Qwen3-8B-AWQ", "alias"),
        ("huihui-ai/Huihui-Qwen3-8B-abliterated-v2", "assumed"),
        ("Qwen3.8-27B-Heresy", "assumed"),
        ("Llama 3.1 70B Instruct 2024 12", "assumed"),
    ],
)
def test_how_surely_it_was_read_is_said(name: str, how: str) -> None:
    """Weights edited in place and other dates keep the shape, and are marked as taken for the base."""
    assert find_checkpoint(name, CATALOG).how == how


@pytest.mark.parametrize(
    "name",
    [
        "scb10x/llama3.1-typhoon2-70b-instruct",  # a fine-tune under a name of its own
        "someone/Qwen3-8B-Reranker-AWQ",
        "Mistral-7B-Instruct-v0.4",  # a version that is not
        "Qwen3-8B-v0.1",
        "Mistral-Small-Instruct-2512",  # a date alone may be another size
        "DeepSeek-V3-0615",
        "command-r-07-2025",
        "Llama-3.1-9B-Instruct-AWQ",
        "qwen 38b awq",
        "AWQ",
        "4bit",
        "Q4_K_M.gguf",
    ],
)
def test_what_is_no_row_of_ours_stays_unknown(name: str) -> None:
    """No size, version or date is changed to find a row, and no fine-tune is taken for its base."""
    with pytest.raises(UnknownName):
        find_checkpoint(name, CATALOG)


@pytest.mark.parametrize("name", ["mlx-community/Qwen3-8B-4bit", "unsloth/Qwen3-8B-GGUF:UD-Q4_K_XL"])
def test_words_of_no_single_quantization_are_kept_to_be_said(name: str) -> None:
    """Never silently the published precision."""
    found = find_checkpoint(name, CATALOG)

    assert found.quantization is None
    assert found.said


PACKAGING = st.sampled_from(
    [
        "AWQ",
        "GPTQ-Int4",
        "FP8",
        "fp8-dynamic",
        "GGUF",
        "bnb-4bit",
        "NVFP4",
        "quantized.w4a16",
        "W8A8",
        "4bit",
        "imatrix-GGUF",
    ]
)
OWNERS = st.sampled_from(["", "someone/", "TheBloke/", "https://huggingface.co/unsloth/"])


@settings(max_examples=400, deadline=None)
@given(model=st.sampled_from([*CATALOG.models.values()]), owner=OWNERS, packaging=PACKAGING)
def test_every_repository_of_the_catalog_is_found_repackaged(model, owner: str, packaging: str) -> None:
    """Any owner and any packaging; a name that several rows share is asked back."""
    name = model.repo_id.rpartition("/")[2]
    found = outcome(f"{owner}{name}-{packaging}")

    if isinstance(found, AmbiguousName):
        assert model.name in found.suggestions
    else:
        assert isinstance(found, Checkpoint)
        assert found.model.shape == model.shape


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=250))
def test_any_text_is_a_checkpoint_or_one_sentence(text: str) -> None:
    """Whatever a name holds, only our own errors come out; a row found says every number that is no packaging."""
    found = outcome(text)

    if isinstance(found, Checkpoint):
        row = found.model
        said = {part for name in (row.id, row.name, row.repo_id, *row.aliases) for part in words(name)}
        assert {part for part in words(unpacked(text).names[-1][0]) if part[0].isdigit()} <= said


def test_taking_a_name_apart_is_fast_however_long_it_is() -> None:
    """Patterns that would take forever on a hostile name are found by the test's own time limit, not asserted."""
    for piece in ("q4_k_", "20-", "fp8-", "i1-", "-00001-of-", "models--a--", "1_", "a_"):
        unpacked((piece * 200)[:200])
