"""Every command of a plan is one its program takes: the options it knows, and of closed lists a value in them."""

import tomllib
from importlib import resources
from pathlib import Path

import pytest

from shared.errors import UserError
from shared.planner.planner import plan
from shared.question.parse import parse_question

REFERENCE = Path(__file__).parent / "reference"
TEXTS = [
    question["text"]
    for name in ("questions.toml", "more_questions.toml")
    for question in tomllib.loads((REFERENCE / name).read_text())["question"]
]
FORMATS = (
    "nf4",
    "fp8",
    "awq",
    "bf16",
    "f16",
    "q8_0 with kv cache q8_0",
    "with fp8 kv cache",
    "embedding qwen3 0.6b",
)
FOLDERS = {"llama.cpp": "llama_cpp", "vllm": "vllm", "sglang": "sglang", "tgi": "tgi"}


def _known(engine):
    text = resources.files(f"shared.engines.{FOLDERS[engine]}").joinpath("options.toml").read_text()
    table = tomllib.loads(text)
    return frozenset(table["options"]), table["values"]


KNOWN = {engine: _known(engine) for engine in FOLDERS}


def _wrong(option):
    """What the program would not take, as words."""
    engine, argv = option.estimate.workload.engine, option.command or ()
    if engine not in KNOWN or not argv or argv[0] == "env":  # Ollama and transformers have tests of their own
        return
    options, values = KNOWN[engine]
    for place, word in enumerate(argv):
        is_option = word.startswith("--") or (engine == "llama.cpp" and word.startswith("-"))
        if is_option and word not in options:
            yield f"{engine} has no {word}"
        if word in values and argv[place + 1] not in values[word]:
            yield f"{word} of {engine} takes no {argv[place + 1]}"


def _plans(texts, catalog):
    for text in texts:
        try:
            yield text, plan(parse_question(text, catalog), catalog)
        except UserError:
            continue


def test_no_reference_question_is_answered_with_a_command_its_program_refuses(catalog):
    answered = 0
    for text, answer in _plans(TEXTS, catalog):
        for one in (*answer.options, *answer.more):
            answered += one.command is not None
            assert list(_wrong(one)) == [], (text, one.command)
    assert answered > 300


@pytest.mark.parametrize("engine", [*FOLDERS, "transformers", "any engine"])
def test_neither_is_one_of_a_named_engine_and_format(engine, catalog):
    named = "" if engine == "any engine" else f" with {engine}"
    texts = [f"llama 3.1 8b {kind} on 2x L40S{named}" for kind in FORMATS]
    texts += [f"mixtral 8x7b {kind} on 4x A100 80GB{named} for 4 users" for kind in FORMATS]
    for text, answer in _plans(texts, catalog):
        for one in (*answer.options, *answer.more):
            assert list(_wrong(one)) == [], (text, one.command)


def test_bitsandbytes_is_not_sent_to_a_server_that_has_dropped_it(catalog):
    answer = plan(parse_question("llama 3.1 8b nf4 on L40S", catalog), catalog)
    named = plan(parse_question("llama 3.1 8b nf4 on L40S with vllm", catalog), catalog)

    assert answer.asked is not None
    assert answer.asked.estimate.workload.engine == "sglang"
    assert "no bitsandbytes any more" in named.sentence


def test_a_model_broken_by_its_quantization_is_said_so_whatever_was_asked(catalog):
    answer = plan(parse_question("what gpu do I need for gemma 2 27b iq2_xxs", catalog), catalog)

    assert answer.options
    assert any("breaks" in line for line in answer.warnings)
