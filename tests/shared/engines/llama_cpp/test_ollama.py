"""Ollama's commands say what the estimate assumes, in settings that Ollama reads."""

import tomllib
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.engines.llama_cpp import ollama
from shared.errors import Refused
from shared.memory.workload import Workload
from shared.planner.planner import plan
from shared.question.parse import parse_question
from tests.shared.engines.servers import CATALOG, MODELS, served

KNOWN = tomllib.loads(resources.files("shared.engines.llama_cpp").joinpath("ollama.toml").read_text())

workloads = st.builds(
    Workload,
    model=st.sampled_from(MODELS).map(CATALOG.models.__getitem__),
    quantization=st.sampled_from(served("llama.cpp")).map(CATALOG.quantizations.__getitem__),
    engine=st.just("llama.cpp"),
    context_tokens=st.integers(64, 1_000_000),
    sequences=st.integers(1, 64),
    kv_cache_type_k=st.sampled_from(["auto", "f16", "q8_0", "q4_0"]),
    gpu_layers=st.one_of(st.none(), st.integers(0, 100)),
)


@settings(deadline=None, max_examples=200)
@given(workload=workloads, count=st.sampled_from([0, 1, 2]))
def test_every_setting_and_command_is_one_ollama_has(workload, count):
    kind = workload.kv_cache_type_k
    alike = Workload(
        model=workload.model,
        quantization=workload.quantization,
        engine="llama.cpp",
        context_tokens=workload.context_tokens,
        sequences=workload.sequences,
        kv_cache_type_k=kind,
        kv_cache_type_v=kind,
        gpu_layers=workload.gpu_layers,
    )
    argv = ollama.launch(alike, (CATALOG.gpus["rtx-4090"],) * count).argv
    given = dict(word.split("=") for word in argv if "=" in word)

    assert given.keys() <= set(KNOWN["options"])
    assert argv[0] == "env"
    assert argv[-2] == "ollama"
    assert argv[-1] in KNOWN["commands"]
    assert given.get("OLLAMA_KV_CACHE_TYPE", "f16") in KNOWN["kv_cache_types"]
    assert int(given["OLLAMA_CONTEXT_LENGTH"]) == workload.context_tokens // workload.sequences
    assert int(given["OLLAMA_NUM_PARALLEL"]) == workload.sequences


@pytest.mark.parametrize(
    "changes", [{"cpu_expert_layers": 4}, {"kv_cache_type_k": "q8_0"}, {"kv_cache_type_k": "bf16"}]
)
def test_what_ollama_cannot_be_told_is_refused(changes):
    workload = Workload(
        model=CATALOG.models["qwen3-30b-a3b"],
        quantization=CATALOG.quantizations["Q4_K_M"],
        engine="llama.cpp",
        context_tokens=8192,
        **changes,
    )
    with pytest.raises(Refused, match="llama-server"):
        ollama.launch(workload, ())


def test_who_asks_for_ollama_gets_its_commands_and_who_does_not_llama_server():
    query = parse_question("gpt-oss 120b with ollama on a 3090", CATALOG)
    through = plan(query, CATALOG)
    plain = plan(parse_question("gpt-oss 120b with llama.cpp on a 3090", CATALOG), CATALOG)

    programs = {one.kind.value: one.command for one in through.options if one.command}
    assert "ollama" in programs["more_gpus"]
    assert programs["offload"][0] == "llama-server"
    assert any("whole layers" in note for one in through.options for note in one.notes)
    assert [one.estimate for one in through.options] == [one.estimate for one in plain.options]
    assert all(one.command[0] == "llama-server" for one in plain.options if one.command)
