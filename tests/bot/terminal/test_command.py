"""The `fit` command: exit codes, and one sentence on stderr for every mistake."""

import json
import re

import pytest

from bot.terminal import main


def _sentence(capsys):
    said = capsys.readouterr().err
    assert said.startswith("fit: ")
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize(
    "arguments",
    [
        ["estimate", "--no-such-flag"],
        ["estimate", "--model", "no-such-model-anywhere", "--gpu", "H200"],
        ["estimate", "--model", "mixtral-8x7b", "--gpu", "Z9000"],
        ["estimate", "--model", "mixtral-8x7b", "--gpu", "A100"],
        ["estimate", "--model", "mixtral-8x7b", "--gpu", "H200", "--gpu-count", "0"],
        ["estimate", "--model", "mixtral-8x7b", "--gpu", "H200", "--gpu-count", "10000"],
        ["estimate", "--batch", "no/such/file.jsonl"],
        ["explain", "no-such-model-anywhere"],
        [""],
        ["🤷" * 20],
        ["x" * 10_000],
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(capsys, arguments):
    assert main(arguments) == 2
    _sentence(capsys)


def test_an_ambiguous_gpu_is_asked_back_with_the_choices(capsys):
    main(["estimate", "--model", "mixtral-8x7b", "--gpu", "A100"])
    said = _sentence(capsys)

    assert "40GB" in said
    assert "80GB" in said


def test_a_listing_holds_only_what_the_filter_names(capsys):
    assert main(["gpus", "a100 40", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)

    assert rows
    assert all("a100" in row["id"] for row in rows)


def test_an_empty_listing_says_so(capsys):
    assert main(["models", "nothing-is-called-this"]) == 0

    assert "No models match" in capsys.readouterr().out


def test_a_model_is_explained_with_its_source(capsys):
    assert main(["explain", "mixtral 8x22b"]) == 0
    said = capsys.readouterr().out

    assert "140,630,071,296" in said
    assert "135,291,469,824  routed experts of full layers (56 x 2,415,919,104)" in said
    assert "48 heads, 8 KV heads of 128" in said
    assert "source" in said


def test_help_lists_every_verb(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--help"])

    assert left.value.code == 0
    said = capsys.readouterr().out
    for verb in ("ask", "estimate", "models", "gpus", "quantizations", "explain", "why"):
        assert verb in said


def test_the_version_is_said_with_the_date_of_the_facts(capsys):
    assert main(["--version"]) == 0

    assert re.fullmatch(r"fit \d+\.\d+\.\d+\S*, facts of \d{4}-\d{2}-\d{2}\n", capsys.readouterr().out)
