"""The command to paste has only llama.cpp's options, and reads back as what was launched."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.engines.llama_cpp.launch import launch
from shared.engines.llama_cpp.process import process, quantization_in
from shared.memory.workload import Workload
from tests.shared.engines.servers import CATALOG, MODELS, options, served

CACHE_TYPES = ("auto", "f16", "q8_0", "q4_0", "bf16")

workloads = st.builds(
    Workload,
    model=st.sampled_from(MODELS).map(CATALOG.models.__getitem__),
    quantization=st.sampled_from(served("llama.cpp")).map(CATALOG.quantizations.__getitem__),
    engine=st.just("llama.cpp"),
    context_tokens=st.integers(1, 1_000_000),
    sequences=st.integers(1, 64),
    kv_cache_type_k=st.sampled_from(CACHE_TYPES),
    kv_cache_type_v=st.sampled_from(CACHE_TYPES),
    gpu_layers=st.one_of(st.none(), st.integers(0, 100)),
    cpu_expert_layers=st.integers(0, 60),
    batch_tokens=st.sampled_from([None, 512, 4096]),
    ubatch_tokens=st.sampled_from([None, 256, 2048]),
    flash_attention=st.sampled_from([None, True, False]),
    kv_unified=st.sampled_from([None, True, False]),
    swa_full=st.booleans(),
    program=st.sampled_from(["llama-server", "llama-cli"]),
    split_mode=st.sampled_from(["layer", "row"]),
    tensor_split=st.sampled_from([(), (3, 1)]),
)
counts = st.sampled_from([0, 1, 2, 4])


@settings(deadline=None, max_examples=300)
@given(workloads, counts)
def test_every_option_is_one_llama_cpp_has(workload, count):
    argv = launch(workload, (CATALOG.gpus["rtx-4090"],) * count).argv

    assert {word for word in argv if word.startswith("-")} <= options("llama_cpp")


@settings(deadline=None, max_examples=300)
@given(workloads, counts)
def test_a_launched_command_read_back_is_what_was_launched(workload, count):
    seen = process(launch(workload, (CATALOG.gpus["rtx-4090"],) * count).argv)

    assert seen is not None
    assert seen.engine == "llama.cpp"
    assert seen.context_tokens == workload.context_tokens
    assert (seen.kv_cache_type or "auto") == workload.kv_cache_type_k
    if workload.kv_cache_type_v != workload.kv_cache_type_k:
        assert (seen.kv_cache_type_v or "auto") == workload.kv_cache_type_v
    if workload.program == "llama-server":
        assert seen.sequences == workload.sequences
    if count == 0:
        assert seen.gpu_layers == 0
    elif workload.gpu_layers is not None:
        assert seen.gpu_layers == workload.gpu_layers


def test_a_command_for_two_gpus_in_full():
    workload = Workload(
        model=CATALOG.models["qwen3-32b"],
        quantization=CATALOG.quantizations["Q4_K_M"],
        engine="llama.cpp",
        context_tokens=32_768,
        sequences=4,
        kv_cache_type_k="q8_0",
        kv_cache_type_v="q8_0",
        flash_attention=True,
        kv_unified=True,
        tensor_split=(3, 1),
    )

    argv = launch(workload, (CATALOG.gpus["rtx-4090"],) * 2).argv

    assert " ".join(argv[argv.index("-c") :]) == (
        "-c 32768 -ngl 999 -np 4 --kv-unified -fa on -ctk q8_0 -ctv q8_0 -ts 3,1"
    )


@pytest.mark.parametrize(
    ("command", "model", "context", "layers", "sequences", "kind"),
    [
        ("llama-server -m /models/a.Q4_K_M.gguf -c 8192 -ngl 99 -np 2", "/models/a.Q4_K_M.gguf", 8192, 99, 2, None),
        ("/opt/llama/llama-server --model=b.gguf --ctx-size=4096", "b.gguf", 4096, None, None, None),
        ("llama-server -hf unsloth/A-GGUF:Q8_0 -fa on -ctk q8_0", "unsloth/A-GGUF:Q8_0", None, None, None, "q8_0"),
        (
            "/usr/bin/ollama runner --model /root/.ollama/models/blobs/sha256-aa --ctx-size 16384 --batch-size 512 "
            "--n-gpu-layers 33 --threads 8 --parallel 4 --port 40001",
            "/root/.ollama/models/blobs/sha256-aa", 16384, 33, 4, None,
        ),
        (
            "/usr/bin/ollama runner --ollama-engine --model /m/sha256-bb --ctx-size 4096 --kv-cache-type q8_0 "
            "--flash-attn --parallel 1 --port 1",
            "/m/sha256-bb", 4096, None, 1, "q8_0",
        ),
        ("python3 -m llama_cpp.server --model c.gguf --n_ctx 2048", "c.gguf", 2048, None, None, None),
    ],
)  # fmt: skip
def test_commands_seen_on_nodes(command, model, context, layers, sequences, kind):
    seen = process(command.split())

    assert seen is not None
    assert seen.engine == "llama.cpp"
    assert seen.model == model
    assert seen.context_tokens == context
    assert seen.gpu_layers == layers
    assert seen.sequences == sequences
    assert seen.kv_cache_type == kind


@pytest.mark.parametrize(
    "command",
    ["", "vllm serve a", "ollama serve", "python -m http.server", "llama-server", "llama-bench -m a.gguf"],
)
def test_other_programs_are_not_llama_cpp_serving(command):
    assert process(command.split()) is None


@pytest.mark.parametrize(
    ("name", "mix"),
    [
        ("Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", "Q4_K_M"),
        ("unsloth/Qwen3-8B-GGUF:Q8_0", "Q8_0"),
        ("gpt-oss-20b-MXFP4.gguf", "MXFP4"),
        ("x.q5_k_s.gguf", "Q5_K_S"),
        ("model.gguf", None),
        ("Q4_K_M-experiments/f16.gguf", "F16"),
    ],
)
def test_the_mix_is_read_from_a_files_name(name, mix):
    assert quantization_in(name) == mix
