"""The command to paste, and reading it back."""

import tomllib
from dataclasses import replace
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.catalog.load import load_catalog
from shared.engines.vllm import launch, process
from shared.memory.workload import Workload

CATALOG = load_catalog()
OPTIONS = frozenset(
    tomllib.loads(resources.files("shared.engines.vllm").joinpath("options.toml").read_text())["options"]
)
SERVED = sorted(row.id for row in CATALOG.quantizations.values() if "vllm" in row.engines)

workloads = st.builds(
    Workload,
    model=st.sampled_from(sorted(CATALOG.models)).map(CATALOG.models.__getitem__),
    quantization=st.sampled_from(SERVED).map(CATALOG.quantizations.__getitem__),
    engine=st.just("vllm"),
    context_tokens=st.integers(1, 1_000_000),
    kv_cache_type_k=st.sampled_from(["auto", "fp8", "f16", "bf16", "fp8_e5m2"]),
    tensor_parallel=st.sampled_from([None, 1, 2, 4, 8]),
    pipeline_parallel=st.sampled_from([None, 1, 2]),
    gpu_memory_utilization=st.sampled_from([None, 0.5, 0.9, 0.95]),
    max_num_seqs=st.one_of(st.none(), st.integers(1, 1024)),
    max_num_batched_tokens=st.one_of(st.none(), st.integers(1024, 16384)),
    enforce_eager=st.booleans(),
)


@settings(deadline=None, max_examples=300)
@given(workloads, st.sampled_from([1, 2, 4, 8]))
def test_every_option_is_one_vllm_has(workload, count):
    argv = launch(workload, (CATALOG.gpus["h100-80gb"],) * count).argv

    assert argv[:2] == ("vllm", "serve")
    assert {word for word in argv if word.startswith("-")} <= OPTIONS


@settings(deadline=None, max_examples=300)
@given(workloads, st.sampled_from([1, 2, 4, 8]))
def test_a_launched_command_read_back_is_what_was_launched(workload, count):
    argv = launch(workload, (CATALOG.gpus["h100-80gb"],) * count).argv
    seen = process(argv)

    assert seen is not None
    assert seen.engine == "vllm"
    assert seen.model == argv[2]
    assert seen.context_tokens == workload.context_tokens
    ranks = workload.tensor_parallel or max(1, count // (workload.pipeline_parallel or 1))
    assert (seen.tensor_parallel or 1) == ranks
    assert (seen.pipeline_parallel or 1) == (workload.pipeline_parallel or 1)
    assert seen.gpu_memory_utilization == workload.gpu_memory_utilization
    assert seen.max_num_seqs == workload.max_num_seqs
    assert seen.max_num_batched_tokens == workload.max_num_batched_tokens
    if workload.quantization.id in ("BF16", "F16", "F32"):
        assert seen.quantization == workload.quantization.id


def test_the_command_of_the_published_weights_on_two_gpus():
    workload = Workload(
        model=CATALOG.models["mixtral-8x22b"],
        quantization=CATALOG.quantizations["BF16"],
        engine="vllm",
        context_tokens=65_536,
    )

    assert " ".join(launch(workload, (CATALOG.gpus["h200"],) * 2).argv) == (
        f"vllm serve {CATALOG.models['mixtral-8x22b'].repo_id} --max-model-len 65536 --tensor-parallel-size 2"
        " --dtype bfloat16"
    )


def test_weights_nobody_published_are_a_path_to_fill_in_and_the_note_says_so():
    model = replace(CATALOG.models["mixtral-8x22b"], quantized_repos=())
    made = launch(
        Workload(
            model=model, quantization=CATALOG.quantizations["GPTQ-INT8"], engine="vllm", context_tokens=4096
        ),
        (CATALOG.gpus["h200"],),
    )

    assert made.argv[2].startswith("path/to/")
    assert any(made.argv[2] in note for note in made.notes)


def test_gated_weights_come_with_the_note_that_opens_them():
    workload = Workload(
        model=CATALOG.models["llama-3.1-8b"],
        quantization=CATALOG.quantizations["BF16"],
        engine="vllm",
        context_tokens=4096,
    )

    assert any("HF_TOKEN" in note for note in launch(workload, (CATALOG.gpus["h200"],)).notes)


@pytest.mark.parametrize(
    "command",
    [
        "vllm serve Qwen/Qwen3-32B --tensor-parallel-size=2 --max_model_len 32k",
        "/usr/bin/python3 /usr/local/bin/vllm serve Qwen/Qwen3-32B -tp 2 --max-model-len 32000",
        "python3 -m vllm.entrypoints.openai.api_server --model Qwen/Qwen3-32B -tp=2 --max-model-len=32000 --port 80",
        "python -m vllm.entrypoints.cli.main serve --enforce-eager Qwen/Qwen3-32B -tp 2 --max-model-len 32000",
    ],
)
def test_commands_are_read_in_all_the_ways_people_write_them(command):
    seen = process(command.split())

    assert seen is not None
    assert seen.model == "Qwen/Qwen3-32B"
    assert seen.tensor_parallel == 2
    assert seen.context_tokens == 32_000


@pytest.mark.parametrize(
    "command", ["", "python train.py", "vllm bench", "llama-server -m x", "python -m vllm"]
)
def test_other_programs_are_not_vllm_servers(command):
    assert process(command.split()) is None


def test_a_value_that_is_no_number_is_left_unknown():
    seen = process(["vllm", "serve", "m", "--max-model-len", "auto", "--gpu-memory-utilization", "most"])

    assert seen is not None
    assert seen.context_tokens is None
    assert seen.gpu_memory_utilization is None
