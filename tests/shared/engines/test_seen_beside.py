"""Copies of an engine, experts, adapters and drafters in a command line seen on a node: launch's inverse."""

import pytest

from shared.engines import sglang, vllm
from shared.memory.workload import Adapters, Speculation, Workload
from tests.shared.engines.servers import CATALOG

H200 = CATALOG.gpus["h200"]
MODULES = {"vllm": vllm, "sglang": sglang}
DRAFT = Speculation(tokens=4, draft=CATALOG.models["qwen3-0.6b"], quantization=CATALOG.quantizations["BF16"])


def load(engine: str, model: str = "qwen3-30b-a3b", quantization: str = "BF16", **more) -> Workload:
    return Workload(
        model=CATALOG.models[model],
        quantization=CATALOG.quantizations[quantization],
        engine=engine,
        context_tokens=8192,
        **more,
    )


def seen(workload: Workload, count: int = 8):
    module = MODULES[workload.engine]
    return module.process(module.launch(workload, (H200,) * count).argv)


@pytest.mark.parametrize(
    "workload",
    [
        load("vllm", tensor_parallel=2, data_parallel=4, expert_parallel=8),
        load("vllm", tensor_parallel=8, expert_parallel=8),
        load("vllm", tensor_parallel=8),
        load("sglang", tensor_parallel=2, data_parallel=4),
        load("sglang", tensor_parallel=8, data_parallel=8, data_parallel_attention=True, expert_parallel=4),
    ],
)
def test_parallel_sizes_read_back(workload):
    found = seen(workload)

    assert found.tensor_parallel == workload.tensor_parallel
    assert found.data_parallel == workload.data_parallel
    assert found.data_parallel_attention == workload.data_parallel_attention
    assert found.expert_parallel == workload.expert_parallel


@pytest.mark.parametrize("engine", sorted(MODULES))
@pytest.mark.parametrize("targets", ["all-linear", "attention"])
@pytest.mark.parametrize("model", ["qwen3-30b-a3b", "deepseek-v3"])
def test_adapters_read_back(engine, targets, model):
    quantization = "FP8" if model == "deepseek-v3" else "BF16"
    workload = load(engine, model, quantization, adapters=Adapters(count=3, rank=32, targets=targets))
    found = seen(workload)

    assert found.adapters == workload.adapters
    assert found.model in MODULES[engine].launch(workload, (H200,) * 8).argv


def test_the_engines_own_defaults_stand_where_only_the_switch_is_given():
    assert vllm.process(["vllm", "serve", "m", "--enable-lora"]).adapters == Adapters(count=1, rank=16)
    line = [
        "python",
        "-m",
        "sglang.launch_server",
        "--model-path",
        "m",
        "--enable-lora",
        "--max-lora-rank",
        "64",
    ]
    assert sglang.process(line).adapters == Adapters(count=8, rank=64)
    assert vllm.process(["vllm", "serve", "m"]).adapters is None


@pytest.mark.parametrize("engine", sorted(MODULES))
def test_only_the_checkpoints_own_layers_are_known_to_draft(engine):
    """A draft model is a path on that node; the tokens are 0, which predicts nothing instead of too little."""
    own = load(engine, "deepseek-v3", "FP8", speculation=Speculation(tokens=2))

    assert seen(own).speculative_tokens == 2
    assert seen(load(engine, "qwen3-8b", speculation=DRAFT)).speculative_tokens == 0
    assert seen(load(engine)).speculative_tokens is None


@pytest.mark.parametrize("config", ["not json", "[1]", '{"method": "ngram"}', '{"method": "mtp"}', "3"])
def test_a_speculative_config_that_says_nothing_we_know_is_not_guessed_at(config):
    assert vllm.process(["vllm", "serve", "m", "--speculative-config", config]).speculative_tokens == 0
