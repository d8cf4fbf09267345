"""What people type finds the row they mean, is asked back, or is refused with the nearest names; never guessed."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog
from shared.catalog.name_index import words
from shared.catalog.names import find_engine, find_gpu, find_model, find_quantization
from shared.catalog.rows import Engine, Gpu, Model, Quantization
from shared.errors import AmbiguousName, UnknownName, UserError

CATALOG = load_catalog()


def outcome(find: Callable[[str, Catalog], Model | Gpu | Quantization | Engine], typed: str) -> object:
    """The row a text finds, or the error it is refused with."""
    try:
        return find(typed, CATALOG)
    except UserError as error:
        return error


@pytest.mark.parametrize(
    ("typed", "row_id"),
    [
        ("mixtral-8x22b", "mixtral-8x22b"),
        ("Mixtral 8x22B", "mixtral-8x22b"),
        ("mixtral8x22b", "mixtral-8x22b"),
        ("mixtral 8x22", "mixtral-8x22b"),
        ("MIXTRAL_8X22B", "mixtral-8x22b"),
        ("mistralai/Mixtral-8x22B-Instruct-v0.1", "mixtral-8x22b"),
        ("mistralai/Mixtral-8x22B-v0.1", "mixtral-8x22b"),
        ("Mixtral-8x22B-Instruct-v0.1", "mixtral-8x22b"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama-3.1-8b"),
        ("meta-llama/Meta-Llama-3.1-8B", "llama-3.1-8b"),
        ("llama3.1:70b", "llama-3.1-70b"),
        ("llama 3.1 70b instruct", "llama-3.1-70b"),
        ("Llama-3.3-70B", "llama-3.3-70b"),
        ("llama 3 70b", "llama-3-70b"),
        ("https://huggingface.co/Qwen/Qwen3-32B", "qwen3-32b"),
        ("https://huggingface.co/Qwen/Qwen3-32B/", "qwen3-32b"),
        ("qwen3-8b-base", "qwen3-8b"),
        ("qwen 2.5 72b", "qwen2.5-72b"),
        ("qwen3 30b a3b", "qwen3-30b-a3b"),
        ("Qwen3-30B-A3B", "qwen3-30b-a3b"),
        ("gpt-oss 120b", "gpt-oss-120b"),
        ("gpt oss 120", "gpt-oss-120b"),
        ("gemma 3 27b it", "gemma-3-27b"),
        ("gemma2 27b", "gemma-2-27b"),
        ("deepseek r1", "deepseek-r1"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "deepseek-r1-distill-llama-70b"),
        ("r1 distill llama 70b", "deepseek-r1-distill-llama-70b"),
        ("command r+", "command-r-plus"),
        ("command r", "command-r-08-2024"),
        ("phi-4", "phi-4"),
        ("mistral nemo", "mistral-nemo-12b"),
        ("TheBloke/Mixtral-8x7B-Instruct-v0.1-AWQ", "mixtral-8x7b"),
        ("hugging-quants/Meta-Llama-3.1-70B-Instruct-AWQ-INT4", "llama-3.1-70b"),
        ("llama 4 scout", "llama-4-scout"),
        ("nomic-embed-text", "nomic-embed-text-v1.5"),
    ],
)
def test_a_model_answers_to_its_names(typed: str, row_id: str) -> None:
    """Ids, repositories, ollama tags and spoken names, whatever the case and the separators."""
    assert find_model(typed, CATALOG).id == row_id


@pytest.mark.parametrize(
    ("typed", "row_id"),
    [
        ("a100-40gb", "a100-40gb"),
        ("A100 40GB", "a100-40gb"),
        ("A100 40 GB", "a100-40gb"),
        ("nvidia a100 80g", "a100-80gb"),
        ("A100-SXM4-40GB", "a100-40gb"),
        ("A100 PCIe 40GB", "a100-40gb-pcie"),
        ("NVIDIA A100 80GB PCIe", "a100-80gb-pcie"),
        ("H100", "h100-80gb"),
        ("H100 SXM5", "h100-80gb"),
        ("h100 pcie", "h100-80gb-pcie"),
        ("H100 NVL", "h100-nvl"),
        ("H200", "h200"),
        ("h200 sxm5", "h200"),
        ("4090", "rtx-4090"),
        ("RTX 4090", "rtx-4090"),
        ("rtx4090", "rtx-4090"),
        ("GeForce RTX 4090", "rtx-4090"),
        ("4090 laptop", "rtx-4090-laptop"),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "rtx-4090-laptop"),
        ("4090 mobile", "rtx-4090-laptop"),
        ("4070 Ti", "rtx-4070-ti"),
        ("4070 Ti Super", "rtx-4070-ti-super"),
        ("4070", "rtx-4070"),
        ("5070", "rtx-5070"),
        ("5070 ti", "rtx-5070-ti"),
        ("4060 Ti 16GB", "rtx-4060-ti-16gb"),
        ("3060 12gb", "rtx-3060-12gb"),
        ("T4", "t4"),
        ("Tesla T4", "t4"),
        ("L4", "l4"),
        ("L40", "l40"),
        ("L40S", "l40s"),
        ("A10", "a10"),
        ("A10G", "a10g"),
        ("A40 PCIe", "a40"),
        ("A4000", "rtx-a4000"),
        ("A6000", "rtx-a6000"),
        ("RTX 6000 Ada", "rtx-6000-ada"),
        ("RTX PRO 6000", "rtx-pro-6000"),
        ("Quadro RTX 6000", "quadro-rtx-6000"),
        ("V100 32GB", "v100-32gb"),
        ("Tesla V100-PCIE-16GB", "v100-16gb-pcie"),
        ("MI300X", "mi300x"),
        ("7900 XTX", "rx-7900-xtx"),
        ("M3 Max 128GB", "m3-max-128gb"),
        ("DGX Spark", "dgx-spark"),
        ("GB10", "dgx-spark"),
        ("B200", "b200"),
    ],
)
def test_a_gpu_answers_to_its_names(typed: str, row_id: str) -> None:
    """The longest name wins, a laptop is not the desktop card, a letter makes another card."""
    assert find_gpu(typed, CATALOG).id == row_id


@pytest.mark.parametrize(
    ("typed", "row_id"),
    [
        ("q4_k_m", "Q4_K_M"),
        ("Q4KM", "Q4_K_M"),
        ("q4-k-m", "Q4_K_M"),
        ("q4_k", "Q4_K_M"),  # llama.cpp's own alias
        ("Q8", "Q8_0"),
        ("iq2_xxs", "IQ2_XXS"),
        ("fp16", "F16"),
        ("F16", "F16"),
        ("bfloat16", "BF16"),
        ("fp8", "FP8"),
        ("int8", "INT8"),
        ("w8a8", "INT8"),
        ("awq", "AWQ"),
        ("gptq", "GPTQ"),
        ("w4a16", "W4A16"),
        ("nf4", "NF4"),
        ("nvfp4", "NVFP4"),
        ("mxfp4", "MXFP4"),
        ("exl2 4bpw", "EXL2-4.0"),
        ("exl3 4.0bpw", "EXL3-4.0"),
    ],
)
def test_a_quantization_answers_to_its_names(typed: str, row_id: str) -> None:
    """Case and separators do not matter, digits do."""
    assert find_quantization(typed, CATALOG).id == row_id


@pytest.mark.parametrize(
    ("typed", "row_id"),
    [
        ("vLLM", "vllm"),
        ("llamacpp", "llama.cpp"),
        ("llama-server", "llama.cpp"),
        ("ollama", "llama.cpp"),
        ("text-generation-inference", "tgi"),
        ("SGLang", "sglang"),
    ],
)
def test_an_engine_answers_to_its_names(typed: str, row_id: str) -> None:
    """Programs built on an engine count as the engine."""
    assert find_engine(typed, CATALOG).id == row_id


@pytest.mark.parametrize(
    ("typed", "choices"),
    [
        ("A100", ("A100 40GB", "A100 80GB")),
        ("A100 SXM4", ("A100 40GB", "A100 80GB")),
        ("A100 PCIe", ("A100 PCIe 40GB", "A100 PCIe 80GB")),
        ("V100", ("V100 16GB", "V100 32GB")),
        ("4060 Ti", ("RTX 4060 Ti 16GB", "RTX 4060 Ti 8GB")),
        ("RTX 4060 Ti", ("RTX 4060 Ti 16GB", "RTX 4060 Ti 8GB")),
        ("3080", ("RTX 3080 10GB", "RTX 3080 12GB")),
        ("RTX 6000", ("RTX 6000 Ada", "Quadro RTX 6000")),
        ("GH200", ("GH200 96GB", "GH200 144GB")),
        ("M2 Ultra", ("M2 Ultra 64GB", "M2 Ultra 128GB", "M2 Ultra 192GB")),
    ],
)
def test_a_gpu_of_several_memory_sizes_is_asked_back(typed: str, choices: tuple[str, ...]) -> None:
    """The choices are the cards of that name, one per memory size."""
    with pytest.raises(AmbiguousName) as caught:
        find_gpu(typed, CATALOG)

    assert caught.value.suggestions == choices


@pytest.mark.parametrize(
    ("typed", "among"),
    [
        ("llama 70b", {"Llama 3.3 70B", "Llama 3.1 70B", "Llama 3 70B", "Llama 2 70B"}),
        ("llama 8b", {"Llama 3.1 8B", "Llama 3 8B"}),
        ("gemma 27b", {"Gemma 3 27B", "Gemma 2 27B"}),
        ("mixtral", {"Mixtral 8x7B", "Mixtral 8x22B"}),
        ("gpt-oss", {"gpt-oss 20B", "gpt-oss 120B"}),
        ("llama 3", {"Llama 3 8B", "Llama 3 70B"}),
        ("ernie 4.5", {"ERNIE 4.5 0.3B", "ERNIE 4.5 21B A3B", "ERNIE 4.5 300B A47B"}),
    ],
)
def test_a_model_without_its_version_or_size_is_asked_back(typed: str, among: set[str]) -> None:
    """No version is picked for a person, and a version that was said is not changed."""
    with pytest.raises(AmbiguousName) as caught:
        find_model(typed, CATALOG)

    assert set(caught.value.suggestions) == among


@pytest.mark.parametrize("typed", ["4-bit", "4bit", "int4", "q4", "8bit", "iq2", "exl3", "fp4"])
def test_a_loose_quantization_is_asked_back(typed: str) -> None:
    """ "4-bit" is a GGUF mix to one engine and AWQ to another."""
    with pytest.raises(AmbiguousName) as caught:
        find_quantization(typed, CATALOG)

    assert len(caught.value.suggestions) >= 2


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("lama 3.1 70b", "Llama 3.1 70B"),
        ("llama 3.1 71b", "Llama 3.1 70B"),
        ("mixtrel 8x22b", "Mixtral 8x22B"),
        ("gpt oss 60b", "gpt-oss 120B"),
    ],
)
def test_an_unknown_model_suggests_the_nearest(typed: str, nearest: str) -> None:
    """Letters are compared loosely; rows with the very numbers come first; nothing is corrected silently."""
    with pytest.raises(UnknownName) as caught:
        find_model(typed, CATALOG)

    assert nearest in caught.value.suggestions
    assert caught.value.field == "model"


@pytest.mark.parametrize(
    "typed", ["qwen 38b", "gpt-4", "claude", "llama 3.4 70b", "mixtral 8x23b", "v3", "7", "🙂"]
)
def test_a_number_is_never_changed_to_find_a_model(typed: str) -> None:
    """ "qwen 38b" is not Qwen3 8B."""
    with pytest.raises(UnknownName):
        find_model(typed, CATALOG)


@pytest.mark.parametrize(
    "typed", ["A100 60GB", "RTX 4090 48GB", "RTX 3081", "A10H", "mi300", "gpu", "L45", "A100 SXM ²"]
)
def test_a_gpu_that_does_not_exist_is_refused(typed: str) -> None:
    """A size or number no card has is told, with the cards that are."""
    with pytest.raises(UnknownName):
        find_gpu(typed, CATALOG)


def test_an_impossible_memory_size_names_the_real_ones() -> None:
    """An A100 comes with 40 or 80 GB."""
    with pytest.raises(UnknownName) as caught:
        find_gpu("A100 60GB", CATALOG)

    assert {"A100 40GB", "A100 80GB"} <= set(caught.value.suggestions)


def test_every_id_and_display_name_finds_its_own_row(catalog: Catalog) -> None:
    """So every choice and suggestion we offer can be typed back."""
    for model in catalog.models.values():
        assert find_model(model.id, catalog) is model
        assert find_model(model.name, catalog) is model
        assert find_model(model.repo_id, catalog) is model
    for gpu in catalog.gpus.values():
        assert find_gpu(gpu.id, catalog) is gpu
        assert find_gpu(gpu.name, catalog) is gpu
    for quantization in catalog.quantizations.values():
        assert find_quantization(quantization.id, catalog) is quantization
        assert find_quantization(quantization.name, catalog) is quantization


def test_every_alias_finds_its_row_or_is_asked_back_with_it() -> None:
    """An alias may be shared, never lost to another row."""
    named: list[tuple[Callable[..., Model | Gpu], Model | Gpu]] = [
        *((find_model, model) for model in CATALOG.models.values()),
        *((find_gpu, gpu) for gpu in CATALOG.gpus.values()),
    ]
    for find, row in named:
        for alias in row.aliases:
            found = outcome(find, alias)
            if isinstance(found, AmbiguousName):
                assert row.name in found.suggestions, alias
            else:
                assert found is row, alias


@settings(max_examples=150, deadline=None)
@given(typed=st.text(max_size=300))
@pytest.mark.parametrize("find", [find_model, find_gpu, find_quantization, find_engine])
def test_any_text_is_a_row_or_one_sentence(
    find: Callable[[str, Catalog], Model | Gpu | Quantization | Engine], typed: str
) -> None:
    """Whatever is typed, only our own errors come out, and they stay short."""
    found = outcome(find, typed)

    assert not isinstance(found, UserError) or 0 < len(found.sentence) < 1000


WORDS = sorted({word for row in CATALOG.models.values() for word in row.name.split()})


@settings(max_examples=300, deadline=None)
@given(
    typed=st.lists(st.sampled_from([*WORDS, "-", "/", ":", "x", "2", "4-bit", "A100"]), max_size=8).map(
        " ".join
    )
)
def test_any_pile_of_familiar_words_is_a_row_or_one_sentence(typed: str) -> None:
    """Words of real names in any order; a row that is found says every number that was typed."""
    found = outcome(find_model, typed)

    if isinstance(found, Model):
        said = {
            part for name in (found.id, found.name, found.repo_id, *found.aliases) for part in words(name)
        }
        own = typed.rpartition("/")[2]  # what stands before a slash is an owner
        kept = re.sub(
            r"(?i)\b(?:\d+[km]|\d-bit)\b", " ", own
        )  # contexts and precisions are words about the packaging
        assert {part for part in words(kept) if part[0].isdigit()} <= said
    else:
        assert isinstance(found, UserError)


GPU_WORDS = sorted({word for row in CATALOG.gpus.values() for word in row.name.split()})


@settings(max_examples=300, deadline=None)
@given(
    typed=st.lists(
        st.sampled_from([*GPU_WORDS, "SXM", "PCIe", "HBM", "40", "gb", "5", "²", "٣", "½", "-"]), max_size=6
    ).map(" ".join)
)
def test_any_pile_of_gpu_words_is_a_card_or_one_sentence(typed: str) -> None:
    """Form factors, sizes and digits of other scripts in any order."""
    assert isinstance(outcome(find_gpu, typed), Gpu | UserError)
