"""`fit estimate --solve`: the answer, the estimate at it, and why there is no more, for a person and for a script."""

import json

import pytest

from bot.terminal import main
from bot.terminal.arguments import parser
from bot.terminal.estimate import batch
from bot.terminal.estimate_json import estimate_json
from bot.terminal.solve import answer_json, solved
from shared.estimator import estimate
from shared.inverse.answer import Solved

ASKED = {"model": "mixtral-8x7b", "quantization": "q4_k_m", "gpu": "rtx 4090"}
# What each answer's estimate says of itself where the answer stands.
SAID_IN = {
    "context": "context",
    "sequences": "sequences",
    "quantization": "quantization",
    "gpus": "gpu_count",
}


@pytest.mark.parametrize("solve", list(Solved))
def test_the_json_has_the_answer_the_estimate_there_and_a_reason(catalog, solve):
    answer = answer_json(*solved(ASKED, solve.value, catalog))

    assert answer["solve"] == solve.value
    assert answer["reason"].endswith(".")
    if answer["answer"] is None:
        assert answer["estimate"] is None
        return
    assert answer["estimate"]["verdict"] == "fits"
    if solve.value in SAID_IN:
        assert answer["estimate"][SAID_IN[solve.value]] == answer["answer"]


def test_the_estimate_is_the_one_that_the_answer_as_a_flag_gives(catalog):
    request, answer = solved(ASKED | {"context": 4096}, "experts", catalog)
    again = answer_json(request, answer)["estimate"]

    assert answer.value > 0
    workload = answer.estimate.workload
    assert workload.cpu_expert_layers == answer.value
    assert again == estimate_json(request, estimate(workload, request.gpus, catalog))


def test_one_gpu_named_is_no_reason_for_one_rank(catalog):
    asked = {"model": "llama-3.3-70b", "engine": "vllm", "gpu": "a100 80gb"}
    _, free = solved(asked, "gpus", catalog)
    _, staged = solved(asked | {"tensor_parallel": 1}, "gpus", catalog)

    assert free.estimate.workload.tensor_parallel == free.value > 1
    assert staged.estimate.workload.tensor_parallel == 1
    assert staged.estimate.workload.pipeline_parallel == staged.value > 1


def test_a_table_starts_with_the_answer_and_says_why_there_is_no_more(capsys):
    code = main(
        [
            "estimate",
            "--model",
            "gemma-3-27b",
            "--gpu",
            "4090",
            "--quantization",
            "q4_k_m",
            "--solve",
            "context",
        ]
    )
    lines = capsys.readouterr().out.splitlines()

    assert code == 0
    assert lines[0].startswith("The longest context is ")
    assert "fit" in lines[1]
    assert any("can be had" in line for line in lines)


def test_where_nothing_fits_it_says_so_and_by_how_much(capsys):
    code = main(
        [
            "estimate",
            "--model",
            "deepseek-v3",
            "--gpu",
            "4090",
            "--quantization",
            "q4_k_m",
            "--solve",
            "context",
        ]
    )
    said = capsys.readouterr().out

    assert code == 0
    assert said.startswith("Not even the shortest context fits")
    assert "missing on the fullest GPU" in said


def test_a_batch_line_may_ask_backwards(catalog):
    lines = [json.dumps(ASKED | {"solve": "gpus"}), json.dumps(ASKED), json.dumps(ASKED | {"solve": "price"})]
    backwards, forwards, wrong = (json.loads(line) for line in batch(lines, catalog))

    assert backwards["answer"] == backwards["estimate"]["gpu_count"]
    assert forwards["gpu_count"] == 1
    assert "quantization" in wrong["error"]


def test_without_a_gpu_it_asks_for_one(capsys):
    assert main(["estimate", "--model", "mixtral-8x7b", "--solve", "context"]) == 2
    assert "--gpu" in capsys.readouterr().err


def test_the_command_line_offers_every_question():
    choices = next(
        action.choices
        for action in parser("estimate")._subparsers._group_actions[0].choices["estimate"]._actions
        if action.dest == "solve"
    )

    assert set(choices) == set(Solved)
