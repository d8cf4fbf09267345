"""Embedding models in every engine: what none of them keeps, and the command that serves them."""

import pytest

from shared.engines import ENGINES
from shared.errors import Unsupported
from shared.memory.breakdown import Breakdown
from shared.memory.kv_cache import ENCODERS
from shared.memory.workload import Workload
from tests.shared.engines.servers import CATALOG

EMBEDDING = sorted(row.id for row in CATALOG.models.values() if row.shape.kind == "embedding")
L4 = (CATALOG.gpus["l4"],)
# how each engine is told that it embeds
TOLD = {"llama.cpp": "--embedding", "vllm": "pooling", "sglang": "--is-embedding"}


def workload(model: str, engine: str) -> Workload:
    return Workload(
        model=CATALOG.models[model],
        quantization=CATALOG.quantizations["F16"],
        engine=engine,
        context_tokens=256,
    )


def held(model: str, engine: str) -> Breakdown:
    return ENGINES[engine].memory(workload(model, engine), L4, CATALOG.engines[engine])


@pytest.mark.parametrize("model", EMBEDDING)
def test_an_encoder_keeps_no_cache_and_a_decoder_does(model):
    """SGLang gives encoders a pool like any other model; the others do not."""
    is_encoder = CATALOG.models[model].shape.architecture in ENCODERS
    for engine in ("llama.cpp", "vllm", "transformers"):
        assert (held(model, engine).per_gpu[0].kv_cache_bytes == 0) == is_encoder


@pytest.mark.parametrize("model", EMBEDDING)
@pytest.mark.parametrize("engine", ["vllm", "sglang", "transformers"])
def test_nothing_is_reserved_for_logits(model, engine):
    """In transformers and vLLM logits of a batch would be the largest part by far."""
    vocabulary = CATALOG.models[model].shape.vocabulary_size

    assert held(model, engine).per_gpu[0].activation_bytes < vocabulary * 4 * 256 + (384 << 20)


@pytest.mark.parametrize("model", EMBEDDING)
def test_text_generation_inference_does_not_embed(model):
    with pytest.raises(Unsupported, match="vLLM runs them"):
        held(model, "tgi")


@pytest.mark.parametrize("model", EMBEDDING)
def test_the_command_says_that_it_embeds(model):
    for engine, word in TOLD.items():
        assert word in ENGINES[engine].launch(workload(model, engine), L4).argv
    script = ENGINES["transformers"].launch(workload(model, "transformers"), L4).argv[-1]

    assert "AutoModel.from_pretrained" in script
    assert "generate" not in script
