"""Ollama's runners are llama.cpp's: what is on their command lines and in its API is enough to predict them."""

from dataclasses import replace

import pytest

from exporter.engine_apis.state import EngineState
from exporter.model_match import match_model
from exporter.prediction import Predicted, predict
from exporter.servers import server_of
from shared.catalog.catalog import Catalog
from tests.exporter.test_loaded_models import chain
from tests.fakes.libnvidia_ml import GIB

BLOB = "/m/blobs/sha256-" + "a" * 64
FROM_API = EngineState(names=("llama3.1:8b",), quantization="Q4_K_M", context_tokens=8192)


def predicted(line: str, state: EngineState, catalog: Catalog, *parents: str) -> tuple[Predicted, ...]:
    server = server_of(chain(line, *parents))
    assert server is not None
    matched = match_model(server.seen, state, catalog)
    return predict(server.seen, state, matched, [catalog.gpus["rtx-4090"]], catalog)


@pytest.mark.parametrize(
    ("runner", "same_as"),
    [
        ("/usr/bin/ollama runner --ollama-engine --model {} --port 5", "llama-server -m {} -c 8192 -np 1"),
        (
            "/usr/bin/ollama runner --model {} --ctx-size 16384 --n-gpu-layers 33 --parallel 2 --port 5",
            "llama-server -m {} -c 16384 -np 2 -ngl 33",
        ),
        (
            "/usr/lib/ollama/llama-server --model {} -c 16384 -np 2 -ctk q8_0 -ctv q8_0 --port 5",
            "llama-server -m {} -c 16384 -np 2 -ctk q8_0 -ctv q8_0",
        ),
    ],
)
def test_ollamas_runner_is_predicted_as_the_llama_cpp_server_it_is(
    catalog: Catalog, runner: str, same_as: str
) -> None:
    (ollama,) = predicted(runner.format(BLOB), FROM_API, catalog, "ollama serve")
    (llama_cpp,) = predicted(same_as.format(BLOB), FROM_API, catalog)

    assert ollama == llama_cpp
    assert 5 * GIB < ollama.total_bytes < 8 * GIB


def test_an_ollama_that_does_not_say_its_context_is_not_predicted(catalog: Catalog) -> None:
    runner = f"/usr/bin/ollama runner --model {BLOB} --port 5"

    assert predicted(runner, replace(FROM_API, context_tokens=None), catalog, "ollama serve") == ()


def test_keys_and_values_of_different_types_are_predicted_each_as_it_is(catalog: Catalog) -> None:
    def total(keys: str, values: str) -> int:
        line = f"llama-server -m {BLOB} -c 32768 -np 1 -fa on -ctk {keys} -ctv {values}"
        return predicted(line, FROM_API, catalog)[0].total_bytes

    large, mixed, small = total("q8_0", "q8_0"), total("q8_0", "q4_0"), total("q4_0", "q4_0")

    assert small < mixed < large
    assert large - mixed == mixed - small, "half of the cache each"
