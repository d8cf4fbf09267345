"""The command asks a hub for models nobody listed, reads folders and files, and writes rows for a site."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.terminal import unlisted
from bot.terminal.command import main
from shared.catalog.load import load_catalog
from tests.shared.hub.hub_server import Hub, Repository, running_hub
from tests.shared.hub.written_files import (
    QWEN3_CONFIG,
    QWEN3_GGUF,
    QWEN3_METADATA,
    QWEN3_PARAMETERS,
    QWEN3_TENSORS,
    gguf,
    safetensors,
)

NAME = "acme/Zed-New-7B"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A running hub that the environment names, and a cache of this test's own."""
    with running_hub() as running:
        running.repositories[NAME] = Repository(
            files={
                "config.json": json.dumps(QWEN3_CONFIG).encode(),
                "model.safetensors": safetensors(QWEN3_TENSORS),
            }
        )
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        monkeypatch.setenv("FITTINGROOM_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.setattr(unlisted, "_AWAY", {})
        yield running


def test_a_question_about_a_repository_nobody_listed_is_answered(
    hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    """As any other, with the source it was read from."""
    assert main([f"can {NAME} run on a 4090?", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)

    assert answer["query"]["model"] == "acme-zed-new-7b"
    assert answer["asked"] or answer["options"]


@pytest.mark.parametrize(
    "form", ["{name}", "https://huggingface.co/{name}", "https://huggingface.co/{name}/tree/main"]
)
def test_an_estimate_takes_a_repository_or_its_address(
    hub: Hub, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    """The weights are those of the files: two bytes per parameter."""
    assert main(["estimate", "--model", form.format(name=NAME), "--gpu", "4090", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)

    assert answer["model"] == "acme-zed-new-7b"
    assert "BF16" in json.dumps(answer)


def test_an_estimate_takes_a_folder_and_a_gguf_file(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From this machine, without asking anybody; a GGUF file is of the type its header says."""
    folder = tmp_path / "tuned"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(QWEN3_CONFIG))
    file = tmp_path / "tuned.gguf"
    file.write_bytes(gguf({**QWEN3_METADATA, "general.file_type": 7}, QWEN3_GGUF))

    assert main(["estimate", "--model", str(folder), "--gpu", "4090", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["quantization"] == "BF16"
    assert main(["estimate", "--model", str(file), "--gpu", "4090", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["quantization"] == "Q8_0"
    assert hub.asked == []


def test_explain_shows_the_row_of_a_repository(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    """With its sum and its source."""
    assert main(["explain", NAME]) == 0
    shown = capsys.readouterr().out

    assert f"{QWEN3_PARAMETERS:,}" in shown
    assert f"{hub.address}/{NAME}/blob/" in shown


def test_a_known_model_asks_nobody(hub: Hub) -> None:
    """However it is repackaged."""
    assert main(["estimate", "--model", "someone/Qwen3-8B-AWQ", "--gpu", "4090", "--json"]) == 0
    assert main(["can someone/Qwen3-8B-AWQ run on a 4090?", "--json"]) == 0
    assert hub.asked == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("unsloth/Qwen3-8B-GGUF:UD-Q4_K_XL", "I don't know the quantization 'UD-Q4_K_XL'. Did you mean"),
        ("mlx-community/Qwen3-8B-4bit", "'4bit' could be"),
    ],
)
def test_a_name_that_says_no_one_quantization_is_asked_back(
    hub: Hub, capsys: pytest.CaptureFixture[str], name: str, says: str
) -> None:
    """It is not estimated as if it were the published precision."""
    assert main(["estimate", "--model", name, "--gpu", "4090"]) == 2
    assert says in capsys.readouterr().err


def test_switched_off_nobody_is_asked(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the sentence is the one for a name we do not know."""
    monkeypatch.setenv("FITTINGROOM_HUB", "off")

    assert main(["estimate", "--model", NAME]) == 2
    assert main([f"can {NAME} run on a 4090?"]) == 2
    assert "I don't know the model" in capsys.readouterr().err
    assert hub.asked == []


def test_a_hub_that_is_away_is_asked_once_a_run_and_the_nearest_names_are_still_said(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A batch of questions does not wait for it again and again."""
    hub.repositories = {name: Repository(status=503) for name in ("a/Qwen3-8B-Nothing", "b/Qwen3-8B-Nothing")}
    lines = [json.dumps({"model": name}) for name in hub.repositories]
    (tmp_path / "lines").write_text("\n".join(lines))

    assert main(["estimate", "--batch", str(tmp_path / "lines")]) == 0
    answers = [json.loads(line)["error"] for line in capsys.readouterr().out.splitlines()]
    assert all("Did you mean" in error and "cannot be asked now" in error for error in answers)
    assert len(hub.asked) == 1


def test_a_row_is_printed_or_added_to_a_sites_file(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is printed can be used as it is; a second time is refused and nothing is lost."""
    assert main(["catalog", "add", NAME]) == 0
    printed = tmp_path / "printed.toml"
    printed.write_text(capsys.readouterr().out)
    row = load_catalog(printed).models["acme-zed-new-7b"]
    assert (row.parameters, row.shape.layers, str(row.released)) == (QWEN3_PARAMETERS, 2, "2026-05-04")

    site = tmp_path / "site.toml"
    site.write_text('# ours\n[models."mine"]\nsame_shape_as = "qwen3-8b"\nname = "Mine"\nfamily = "qwen"\n')
    assert main(["catalog", "add", NAME, "--to", str(site)]) == 2
    assert "# ours" in site.read_text(), "a file that cannot be used is left as it was"

    site.unlink()
    assert main(["catalog", "add", NAME, "--to", str(site)]) == 0
    assert load_catalog(site).models["acme-zed-new-7b"] == row
    before = site.read_text()
    assert main(["catalog", "add", NAME, "--to", str(site)]) == 2
    assert site.read_text() == before
    assert sorted(path.name for path in tmp_path.glob("*.toml")) == ["printed.toml", "site.toml"]


def test_catalog_check_still_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Sound files and others."""
    assert main(["catalog", "check"]) == 0
    assert "is sound" in capsys.readouterr().out
    (tmp_path / "bad.toml").write_text("[models.x]\nname = 3\n")
    assert main(["catalog", "check", str(tmp_path / "bad.toml")]) == 2
    assert "models.x.name" in capsys.readouterr().err


def test_a_count_that_is_not_the_sum_over_its_shape_must_say_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`fit catalog check` adds every row up; a note explains a difference, nothing else does."""
    site = tmp_path / "site.toml"
    row = SITE_ROW.format(note="")
    site.write_text(row)

    assert main(["catalog", "check", str(site)]) == 2
    assert "the shape adds up to" in capsys.readouterr().err

    site.write_text(SITE_ROW.format(note='parameters_note = "rounded on the card"'))

    assert main(["catalog", "check", str(site)]) == 0
    assert "sum over the shape within 0.5%" in capsys.readouterr().out


SITE_ROW = """
[models.ours-14m]
name = "Ours 14M"
family = "ours"
repo_id = "us/ours-14m"
parameters = 20_000_000
active_parameters = 20_000_000
{note}
context_tokens = 2048
native_quantization = "F16"
license = "mit"
gated = false
source = {{ kind = "config", text = "https://example.org/ours" }}

[models.ours-14m.shape]
architecture = "gpt_neox"
gguf_architecture = "gptneox"
layers = 6
hidden_size = 128
ffn_size = 512
vocabulary_size = 50304
tied_embeddings = false
attention = {{ heads = 4, kv_heads = 4, head_dim = 32, qkv_bias = true, output_bias = true }}
ffn_gated = false
ffn_bias = true
norm_bias = true
"""
