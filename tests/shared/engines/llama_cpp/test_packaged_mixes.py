"""Mixes a packager makes of llama.cpp's own by keeping the embeddings and the head in 8 bits."""

import pytest

from shared.catalog.checkpoints import find_checkpoint
from shared.catalog.load import load_catalog
from shared.engines.llama_cpp.process import process
from shared.engines.llama_cpp.quantizer import PACKAGED, stored_tensors

CATALOG = load_catalog()


# GB of the files in bartowski's tables: the card of bartowski/Qwen_Qwen3-4B-GGUF, and those of Qwen_Qwen3-8B-GGUF and
# Qwen_Qwen3-14B-GGUF as https://model.aibase.com/en/models/details/1924737620978700288 and …622847744 repeat them
@pytest.mark.parametrize(
    ("model", "mix", "gigabytes"),
    [
        ("qwen3-4b", "Q6_K_L", 3.40),
        ("qwen3-4b", "Q5_K_L", 2.98),
        ("qwen3-4b", "Q4_K_L", 2.59),
        ("qwen3-8b", "Q6_K_L", 7.03),
        ("qwen3-8b", "Q5_K_L", 6.24),
        ("qwen3-14b", "Q6_K_L", 12.50),
        ("qwen3-14b", "Q5_K_L", 10.99),
        ("qwen3-14b", "Q4_K_L", 9.58),
    ],
)
def test_a_file_is_as_large_as_the_packager_says(model: str, mix: str, gigabytes: float) -> None:
    """Tensors and the few MB of the vocabulary, to the two digits published."""
    stored = stored_tensors(CATALOG.models[model].shape, mix, imatrix=True)
    tensors = sum(tensor.size_bytes for tensor in stored)

    assert tensors < gigabytes * 1e9 + 0.005e9
    assert tensors + 0.015e9 > gigabytes * 1e9 - 0.005e9


@pytest.mark.parametrize("mix", sorted(PACKAGED))
def test_only_the_embeddings_and_the_head_differ(mix: str) -> None:
    """Every other tensor is what the mix it was made of has."""
    shape = CATALOG.models["llama-3.1-8b"].shape
    pairs = zip(stored_tensors(shape, mix), stored_tensors(shape, PACKAGED[mix]), strict=True)

    different = {ours.tensor.name: ours.type for ours, theirs in pairs if ours.type != theirs.type}
    assert different == {"token_embd": "q8_0", "output": "q8_0"}


@pytest.mark.parametrize("mix", sorted(PACKAGED))
def test_a_file_and_a_command_that_name_one_are_of_it(mix: str) -> None:
    """And Unsloth's dynamic mix of a like name is not."""
    found = find_checkpoint(f"Qwen_Qwen3-8B-{mix}.gguf", CATALOG)
    seen = process(["llama-server", "-m", f"/models/Qwen_Qwen3-8B-{mix}.gguf"])
    assert found.quantization is CATALOG.quantizations[mix]
    assert seen is not None
    assert seen.quantization == mix

    theirs = find_checkpoint(f"Qwen3-8B-UD-{mix}.gguf", CATALOG)
    assert theirs.quantization is None
