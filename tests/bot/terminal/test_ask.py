"""`fit "QUESTION"`: the JSON scripts rely on, and a screen a person can read and copy from."""

import io
import json
import xml.etree.ElementTree as ET

import pytest
from rich.console import Console

from bot.fleet import FleetUnavailable
from bot.terminal import answer_question, interactive_prompt, main
from bot.terminal.picture import svg
from bot.terminal.render_plan import show_answer
from bot.terminal.session import answer_to

SEED = "can Mixtral 8x22B run on A100 40GB?"
QUERY_KEYS = {
    "model",
    "gpu",
    "gpu_count",
    "quantization",
    "context",
    "engine",
    "sequences",
    "kv_cache_type",
    "ambiguous",
}
OPTION_KEYS = {
    *("kind", "quantization", "engine", "gpu", "gpu_count", "context", "per_gpu_bytes", "verdict"),
    *("tokens_per_second", "quality", "command"),
}
KINDS = {
    *("as_asked", "quantization", "context", "kv_cache", "more_gpus", "offload", "other_gpu", "other_model"),
    "mig_slice",
}


@pytest.fixture
def no_fleet(monkeypatch):
    for name in ("PROMETHEUS_URL", "FITTINGROOM_EXPORTER_URLS", "FITTINGROOM_SITE_CATALOG"):
        monkeypatch.delenv(name, raising=False)


def _json(capsys, *arguments):
    assert main(list(arguments)) == 0
    return json.loads(capsys.readouterr().out)


def _screen(question, catalog, *, width=100, look=lambda: None, everything=False):
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False)
    show_answer(answer_to(question, catalog, look), console=console, everything=everything)
    return out.getvalue()


@pytest.mark.usefixtures("no_fleet")
def test_the_json_holds_what_scripts_rely_on(capsys):
    answer = _json(capsys, "ask", SEED, "--json")

    assert set(answer["query"]) >= QUERY_KEYS
    assert answer["query"]["model"] == "mixtral-8x22b"
    assert answer["query"]["gpu"] == "a100-40gb"
    assert answer["query"]["quantization"] is None
    assert answer["query"]["ambiguous"] == []
    assert (answer["verdict"], answer["answer"]) == ("does_not_fit", "no")
    assert answer["breakdown"]["weights_bytes"] > 250 * 1024**3
    assert answer["options"]
    for option in answer["options"]:
        assert set(option) >= OPTION_KEYS
        assert option["kind"] in KINDS
        assert isinstance(option["per_gpu_bytes"], int)
        assert option["verdict"] in ("fits", "tight")
    assert answer["warnings"]
    assert answer["sources"]


@pytest.mark.usefixtures("no_fleet")
def test_a_question_needs_no_verb(capsys):
    assert _json(capsys, SEED, "--json") == _json(capsys, "ask", SEED, "--json")


@pytest.mark.usefixtures("no_fleet")
def test_an_ambiguous_gpu_is_listed_with_its_choices(capsys):
    answer = _json(capsys, "mixtral 8x7b on A100", "--json")

    assert answer["query"]["gpu"] is None
    assert [one["field"] for one in answer["query"]["ambiguous"]] == ["gpu"]
    assert set(answer["query"]["ambiguous"][0]["choices"]) >= {"a100-40gb", "a100-80gb"}
    assert answer["others"]


def test_the_verdict_is_the_first_thing_on_the_screen(catalog):
    first = _screen(SEED, catalog).splitlines()[0]

    assert first.startswith("✗ No: Mixtral 8x22B")


def test_every_part_of_the_question_is_read_back_by_what_it_is(catalog):
    screen = _screen("qwen3 32b q4 on 2x4090 32k ctx kv q8 for 4 users with 64GB RAM", catalog, width=200)
    line = next(line for line in screen.splitlines() if "Read as:" in line)

    said = ["Qwen3 32B", "Q4_K_M (assumed)", "2 GPUs", "RTX 4090", "64.0 GiB of host memory"]
    said += ["32768 tokens of context", "4 at once", "KV cache in q8_0"]
    assert line.split("Read as: ")[1].strip() == " · ".join(said)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_command_stays_on_one_line_however_narrow_the_screen(catalog, width):
    answer = answer_to(SEED, catalog, lambda: None)
    lines = _screen(SEED, catalog, width=width).splitlines()
    commands = [line.strip().removeprefix("$ ") for line in lines if line.strip().startswith("$ ")]

    assert len(commands) == len([option for option in answer.plan.options if option.command])
    assert any(len(command) > 60 for command in commands)


def test_an_assumed_context_is_said(catalog):
    assert "Context was not said" in _screen(SEED, catalog)


def test_a_speed_nobody_measured_on_this_card_says_so(catalog):
    assert "not measured on this card" in _screen(SEED, catalog)


def test_sources_are_shown_when_asked_for(catalog):
    assert "Source: Mixtral 8x22B, shape" not in _screen(SEED, catalog)
    assert "Source: Mixtral 8x22B, shape" in _screen(SEED, catalog, everything=True)


def test_a_fleet_that_cannot_be_read_is_said_to_be_unknown(catalog):
    said = _screen(SEED, catalog, look=lambda: FleetUnavailable("no answer within 2 s"))

    assert "On our GPUs now" in said
    assert "unknown: no answer within 2 s" in said


def test_no_fleet_configured_means_no_fleet_section(catalog):
    assert "On our GPUs now" not in _screen(SEED, catalog)


def test_a_mistake_is_told_on_stderr_and_leaves_code_2(catalog, capsys):
    assert answer_question("mixtral 9x99b on Z9000", catalog, look=lambda: None) == 2
    said = capsys.readouterr()

    assert said.out == ""
    assert said.err.startswith("fit: ")
    assert said.err.count("\n") == 1


def test_the_prompt_goes_on_after_a_mistake_and_ends_at_end_of_file(catalog, capsys, monkeypatch):
    questions = iter(["", "nonsense on nothing", SEED])

    def typed(_prompt):
        try:
            return next(questions)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", typed)

    assert interactive_prompt(catalog, None) == 0
    said = capsys.readouterr()
    assert "fit: " in said.err
    assert "No: Mixtral 8x22B" in said.out


@pytest.mark.parametrize("goodbye", ["exit", "QUIT"])
def test_the_prompt_ends_when_told(catalog, monkeypatch, goodbye):
    monkeypatch.setattr("builtins.input", lambda _prompt: goodbye)

    assert interactive_prompt(catalog, None) == 0


def test_the_picture_is_well_formed_and_draws_every_option(catalog):
    plan = answer_to(SEED, catalog, lambda: None).plan
    drawing = ET.fromstring(svg(plan))
    words = " ".join(element.text or "" for element in drawing.iter())

    assert "No: Mixtral 8x22B" in words
    assert words.count("does not fit") == 1
    for option in plan.options:
        assert option.gpu.name in words


def test_the_same_plan_gives_the_same_picture(catalog):
    plan = answer_to(SEED, catalog, lambda: None).plan

    assert svg(plan) == svg(answer_to(SEED, catalog, lambda: None).plan)


@pytest.mark.usefixtures("no_fleet")
def test_a_picture_is_written_where_asked(capsys, tmp_path):
    file = tmp_path / "plan.svg"

    assert main(["ask", SEED, "--json", "--picture", str(file)]) == 0
    assert file.read_text().startswith("<svg")
    assert json.loads(capsys.readouterr().out)["answer"] == "no"


@pytest.mark.usefixtures("no_fleet")
@pytest.mark.parametrize("name", ["plan.gif", "no/such/folder/plan.svg"])
def test_a_picture_that_cannot_be_is_one_sentence(capsys, tmp_path, name):
    assert main(["ask", SEED, "--picture", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
