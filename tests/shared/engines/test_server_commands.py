"""Every server's command: its options exist, and reading it back gives what was launched."""

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.catalog.rows import Gpu
from shared.engines import sglang, tgi, transformers
from shared.memory.workload import Workload
from tests.shared.engines.servers import CATALOG, gpus, options, workloads

PROGRAMS = {"sglang": "python", "tgi": "text-generation-launcher"}
MODULES = {"sglang": sglang, "tgi": tgi}


@pytest.mark.parametrize("engine", sorted(PROGRAMS))
@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_every_option_is_one_the_program_has(engine, data):
    workload, cards = data.draw(workloads(engine)), data.draw(gpus())
    argv = MODULES[engine].launch(workload, cards).argv
    known = options(engine)

    assert argv[0] == PROGRAMS[engine]
    assert {word for word in argv if word.startswith("--")} <= known


@pytest.mark.parametrize("engine", sorted(PROGRAMS))
@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_a_launched_command_read_back_is_what_was_launched(engine, data):
    workload, cards = data.draw(workloads(engine)), data.draw(gpus())
    argv = MODULES[engine].launch(workload, cards).argv
    seen = MODULES[engine].process(argv)

    assert seen is not None
    assert seen.engine == engine
    assert seen.model in argv
    assert seen.context_tokens == workload.context_tokens
    assert (seen.tensor_parallel or 1) == len(cards)
    assert seen.max_num_seqs == workload.max_num_seqs
    assert seen.max_num_batched_tokens == workload.max_num_batched_tokens
    if workload.gpu_memory_utilization is None:
        assert seen.gpu_memory_utilization is None
    else:
        assert seen.gpu_memory_utilization == pytest.approx(workload.gpu_memory_utilization, rel=1e-4)


@settings(deadline=None, max_examples=200)
@given(workload=workloads("transformers", ("auto",)), cards=gpus())
def test_the_python_one_liner_compiles_and_reads_back(workload, cards):
    argv = transformers.launch(workload, cards).argv
    seen = transformers.process(argv)

    assert argv[:2] == ("python", "-c")
    ast.parse(argv[2])
    assert seen is not None
    assert seen.context_tokens == workload.context_tokens
    assert f'"{seen.model}"' in argv[2]
    if workload.quantization.id in ("BF16", "F16", "F32"):
        assert seen.quantization == workload.quantization.id


def asked(engine: str, quantization: str, **changes: object) -> Workload:
    return Workload(
        model=CATALOG.models["mixtral-8x22b"],
        quantization=CATALOG.quantizations[quantization],
        engine=engine,
        context_tokens=8192,
        **changes,  # type: ignore[arg-type]
    )


def cards(count: int) -> tuple[Gpu, ...]:
    return (CATALOG.gpus["a100-80gb"],) * count


def test_the_sglang_command_of_the_published_weights():
    repo = CATALOG.models["mixtral-8x22b"].repo_id

    assert " ".join(sglang.launch(asked("sglang", "BF16"), cards(4)).argv) == (
        f"python -m sglang.launch_server --model-path {repo} --context-length 8192 --tp-size 4 --dtype bfloat16"
    )


def test_the_tgi_command_quantizes_on_the_fly():
    argv = tgi.launch(asked("tgi", "NF4"), cards(2)).argv

    assert " ".join(argv[-4:]) == "--num-shard 2 --quantize bitsandbytes-nf4"


def test_the_transformers_command_asks_bitsandbytes_for_four_bits():
    script = transformers.launch(asked("transformers", "NF4"), cards(2)).argv[2]

    assert "load_in_4bit=True" in script
    assert 'device_map="auto"' in script


@pytest.mark.parametrize(
    ("read", "command", "model"),
    [
        (sglang, "python3 -m sglang.launch_server --model Qwen/Qwen3-32B --tp 2", "Qwen/Qwen3-32B"),
        (sglang, "sglang serve --model-path Qwen/Qwen3-32B --tensor-parallel-size=2", "Qwen/Qwen3-32B"),
        (
            tgi,
            "/usr/local/bin/text-generation-launcher --model-id=Qwen/Qwen3-32B --num-shard 2",
            "Qwen/Qwen3-32B",
        ),
        (
            tgi,
            "/opt/conda/bin/python3 /opt/conda/bin/text-generation-server serve Qwen/Qwen3-32B",
            "Qwen/Qwen3-32B",
        ),
        (transformers, "transformers chat Qwen/Qwen3-32B", "Qwen/Qwen3-32B"),
    ],
)
def test_commands_are_read_in_the_ways_people_write_them(read, command, model):
    seen = read.process(command.split())

    assert seen is not None
    assert seen.model == model


@pytest.mark.parametrize("read", [sglang, tgi, transformers])
@pytest.mark.parametrize(
    "command", ["", "python", "python -c", "python -c print(1)", "python -m http.server", "bash"]
)
def test_other_programs_are_not_theirs(read, command):
    assert read.process(command.split()) is None
