"""A look-up against a loopback hub: what is read, what is sent, what is kept, and every way the hub can fail."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.catalog.rows import Model
from shared.errors import Unsupported, UserError
from shared.hub import look_up as look_up_module
from shared.hub.look_up import look_up, look_up_local
from shared.hub.reference import Reference, reference_of
from shared.hub.refusals import NotLookedUp
from shared.hub.settings import HubSettings, hub_settings
from tests.shared.hub.hub_server import COMMIT, Hub, Repository, running_hub
from tests.shared.hub.written_files import (
    QWEN3_CONFIG,
    QWEN3_GGUF,
    QWEN3_METADATA,
    QWEN3_PARAMETERS,
    QWEN3_TENSORS,
    gguf,
    safetensors,
)

NAME = "some-one/Something_New-0.1B"
CONFIG = json.dumps(QWEN3_CONFIG).encode()


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A running hub with one repository."""
    with running_hub() as running:
        running.repositories[NAME] = Repository(
            files={"config.json": CONFIG, "model.safetensors": safetensors(QWEN3_TENSORS)}
        )
        yield running


def settings_of(hub: Hub, **further: Any) -> HubSettings:
    """Settings that ask the loopback hub."""
    return HubSettings(endpoint=hub.address, **{"timeout_seconds": 5.0, **further})


def refused(hub: Hub, name: str = NAME, **further: Any) -> UserError:
    """The sentence a look-up is refused with."""
    with pytest.raises(UserError) as caught:
        look_up(name, settings_of(hub, **further))
    return caught.value


def test_a_repository_becomes_a_row(hub: Hub) -> None:
    """Shape, true count, licence, age, and where it was read, at which commit."""
    row = look_up(NAME, settings_of(hub))

    assert (row.id, row.name, row.repo_id) == ("some-one-something-new-0.1b", "Something_New-0.1B", NAME)
    assert row.parameters == row.active_parameters == QWEN3_PARAMETERS
    assert row.parameters_note is None
    assert (row.native_quantization, row.license, row.gated) == ("BF16", "apache-2.0", False)
    assert (row.context_tokens, str(row.released)) == (4096, "2026-05-04")
    assert row.source.text == f"{hub.address}/{NAME}/blob/{COMMIT}/config.json"
    assert row.shape.layers == 2


def test_the_parameters_the_api_counts_save_a_request(hub: Hub) -> None:
    """The hub reads the safetensors headers itself and says so."""
    hub.repositories[NAME].about = {
        "safetensors": {"parameters": {"BF16": QWEN3_PARAMETERS}, "total": QWEN3_PARAMETERS}
    }

    assert look_up(NAME, settings_of(hub)).parameters == QWEN3_PARAMETERS
    assert [path for path, _ in hub.asked if path.endswith("safetensors")] == []


def test_only_the_start_of_a_weights_file_is_asked_for(hub: Hub) -> None:
    """By range: its length, then its header."""
    look_up(NAME, settings_of(hub))
    ranges = [headers["range"] for path, headers in hub.asked if path.endswith("model.safetensors")]

    header = len(safetensors(QWEN3_TENSORS)) - 8
    assert ranges == ["bytes=0-7", f"bytes=8-{8 + header - 1}"]


def test_a_quantization_beside_the_config_is_read(hub: Hub) -> None:
    """modelopt writes its own file."""
    said = {"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "NVFP4", "group_size": 16}}
    hub.repositories[NAME].files["hf_quant_config.json"] = json.dumps(said).encode()

    assert look_up(NAME, settings_of(hub)).native_quantization == "NVFP4"


@pytest.mark.parametrize(
    ("text", "file"),
    [
        (NAME, "b-Q4_K_M.gguf"),
        (f"{NAME}:Q8_0", "a-Q8_0.gguf"),
        (f"https://huggingface.co/{NAME}/blob/main/a-Q8_0.gguf", "a-Q8_0.gguf"),
    ],
)
def test_the_header_of_a_gguf_file_is_read_by_ranges(hub: Hub, text: str, file: str) -> None:
    """The file named, the quantization named, or the medium 4-bit one; never the weights."""
    weights = b"\0" * 5_000_000
    hub.repositories[NAME].files = {
        "a-Q8_0.gguf": gguf({**QWEN3_METADATA, "general.file_type": 7}, QWEN3_GGUF, data=weights),
        "b-Q4_K_M.gguf": gguf(QWEN3_METADATA, QWEN3_GGUF, data=weights),
        "mmproj-F16.gguf": b"no model",
    }
    row = look_up(text, settings_of(hub))

    assert row.source.text.endswith(f"/{file}")
    assert row.native_quantization == {"b": "Q4_K_M", "a": "Q8_0"}[file[0]]
    assert row.parameters == QWEN3_PARAMETERS
    asked = [path for path, _ in hub.asked if path.endswith(".gguf")]
    assert len(asked) == 1
    assert asked[0].endswith(file)


def test_a_server_without_ranges_still_gives_a_header(hub: Hub) -> None:
    """It sends the file from its start; we stop listening."""
    hub.repositories[NAME] = Repository(
        files={"a-Q4_K_M.gguf": gguf(QWEN3_METADATA, QWEN3_GGUF, data=b"\0" * 20_000_000)},
        ignores_ranges=True,
    )

    assert look_up(NAME, settings_of(hub)).parameters == QWEN3_PARAMETERS


def test_a_gated_repository_needs_the_token(hub: Hub) -> None:
    """Without one, with a wrong one, with the right one; the token is in no sentence."""
    hub.repositories[NAME].gated_for = "hf_secret"

    assert "accept its licence" in refused(hub).sentence
    assert "set HF_TOKEN" in refused(hub).sentence
    wrong = refused(hub, token="hf_wrong")
    assert "the token has no access" in wrong.sentence
    assert "hf_wrong" not in wrong.sentence
    assert look_up(NAME, settings_of(hub, token="hf_secret")).gated


def test_no_token_is_sent_that_was_not_given(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's own habit of picking one up from the environment is switched off."""
    monkeypatch.setenv("HF_TOKEN", "hf_from_the_environment")
    look_up(NAME, settings_of(hub))

    assert all("authorization" not in headers for _, headers in hub.asked)


def test_a_token_does_not_follow_a_redirect_to_another_host(hub: Hub) -> None:
    """Files lie on other hosts than the hub; they get what they need in the address."""
    with running_hub() as elsewhere:
        elsewhere.repositories[NAME] = hub.repositories[NAME]
        target = elsewhere.address.replace("127.0.0.1", "localhost") + "{path}"
        hub.repositories[NAME] = Repository(files=elsewhere.repositories[NAME].files, redirects_to=target)

        assert look_up(NAME, settings_of(hub, token="hf_secret")).parameters == QWEN3_PARAMETERS
        assert elsewhere.asked
        assert all("authorization" not in headers for _, headers in elsewhere.asked)
    assert all(headers["authorization"] == "Bearer hf_secret" for _, headers in hub.asked)


@pytest.mark.parametrize(
    ("repository", "why"),
    [
        (Repository(status=429), "limits how often"),
        (Repository(status=500), "status 500"),
        (Repository(status=404), "not on 127.0.0.1, or it is private"),
        (Repository(files={"config.json": CONFIG}, redirects_to="{path}"), "redirects without end"),
        (Repository(files={}), "neither a config.json nor a GGUF file"),
        (Repository(files={"config.json": b"{"}), "is not JSON"),
        (Repository(files={"config.json": b" " * 3_000_000}), "which no config is"),
        (Repository(files={"config.json": CONFIG}, about={"tags": "x" * 5_000_000}), "which no config is"),
        (Repository(files={"config.json": CONFIG}, about={"siblings": "many"}), "siblings"),
        (Repository(files={"model.gguf": b"GGUF"}), "shorter than its own header"),
        (
            Repository(about={"siblings": [{"rfilename": "config.json"}]}),
            "a file that it lists is missing",
        ),
        (Repository(files={"config.json": CONFIG, "model.safetensors": b"\xff" * 64}), "impossible length"),
        (
            Repository(
                files={"config.json": CONFIG}, about={"safetensors": {"parameters": {"BF16": "many"}}}
            ),
            "impossible number",
        ),
    ],
)
def test_a_hub_that_fails_is_one_sentence(hub: Hub, repository: Repository, why: str) -> None:
    """Whatever it answers."""
    hub.repositories[NAME] = repository

    assert why in refused(hub).sentence


def test_a_repository_that_is_not_there_is_one_sentence(hub: Hub) -> None:
    """A hub does not tell what is missing from what is private."""
    assert "check its name" in refused(hub, "some-one/nothing").sentence


@pytest.mark.parametrize(
    "repository", [Repository(slow_seconds=1.0), Repository(files={"config.json": CONFIG}, drips=True)]
)
def test_a_slow_hub_is_given_up(hub: Hub, repository: Repository) -> None:
    """One deadline for all requests, also for a server that sends byte by byte."""
    hub.repositories[NAME] = repository

    assert "no answer in time" in refused(hub, timeout_seconds=0.4).sentence


def test_a_hub_that_is_down_is_one_sentence(hub: Hub) -> None:
    """The catalog goes on without it."""
    with running_hub() as gone:
        address = gone.address
    with pytest.raises(NotLookedUp, match="cannot be asked now"):
        look_up(NAME, replace(settings_of(hub), endpoint=address))


def test_a_row_is_kept_and_read_again_when_it_is_old(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within its age nothing is asked; then all again."""
    kept = settings_of(hub, cache_folder=tmp_path / "cache", max_age_seconds=60.0)
    first = look_up(NAME, kept)
    asked = len(hub.asked)

    assert look_up(NAME, kept) == first
    assert len(hub.asked) == asked
    later = look_up_module.time.time() + 61
    monkeypatch.setattr(look_up_module.time, "time", lambda: later)
    assert look_up(NAME, kept) == first
    assert len(hub.asked) == 2 * asked


def test_offline_only_what_is_kept_is_used_however_old(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the sentence says how to go online."""
    kept = settings_of(hub, cache_folder=tmp_path, max_age_seconds=0.0)
    first = look_up(NAME, kept)
    hub.asked.clear()
    later = look_up_module.time.time() + 10_000_000
    monkeypatch.setattr(look_up_module.time, "time", lambda: later)

    assert look_up(NAME, replace(kept, offline=True)) == first
    with pytest.raises(NotLookedUp, match="HF_HUB_OFFLINE"):
        look_up("some-one/else", replace(kept, offline=True))
    assert hub.asked == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', "x" * 2_000_000, '{"read_at": "soon"}'])
def test_a_kept_row_that_is_spoiled_is_asked_for_again(hub: Hub, tmp_path: Path, content: str) -> None:
    """Whoever wrote into it."""
    kept = settings_of(hub, cache_folder=tmp_path)
    row = look_up(NAME, kept)
    (file,) = tmp_path.iterdir()
    file.write_text(content)

    assert look_up(NAME, kept) == row


def test_a_cache_that_cannot_be_written_costs_nothing(hub: Hub, tmp_path: Path) -> None:
    """The answer does not depend on it."""
    (tmp_path / "file").write_text("not a folder")

    assert isinstance(look_up(NAME, settings_of(hub, cache_folder=tmp_path / "file" / "cache")), Model)


def test_progress_is_told(hub: Hub) -> None:
    """What is being read, in order."""
    told: list[str] = []
    look_up(NAME, settings_of(hub), progress=told.append)

    assert told == [f"asking 127.0.0.1 about {NAME}", "reading config.json"]


def test_a_folder_and_a_gguf_file_on_this_machine_are_read(tmp_path: Path) -> None:
    """Without any hub: config.json with the headers of all its files, or one GGUF file."""
    folder = tmp_path / "My Model"
    folder.mkdir()
    (folder / "config.json").write_bytes(CONFIG)
    names = list(QWEN3_TENSORS)
    for index, part in enumerate((names[:5], names[5:])):
        tensors = {name: QWEN3_TENSORS[name] for name in part}
        (folder / f"model-0000{index}-of-00002.safetensors").write_bytes(safetensors(tensors))
    file = tmp_path / "something-q4.gguf"
    file.write_bytes(gguf(QWEN3_METADATA, QWEN3_GGUF))

    of_folder, of_file = look_up_local(folder), look_up_local(file)
    assert (of_folder.name, of_folder.parameters, of_folder.native_quantization) == (
        "My Model",
        QWEN3_PARAMETERS,
        "BF16",
    )
    assert (of_file.name, of_file.parameters, of_file.native_quantization) == (
        "something-q4",
        QWEN3_PARAMETERS,
        "Q4_K_M",
    )
    assert of_folder.shape == of_file.shape
    assert str(tmp_path) not in of_folder.source.text + of_file.source.text


@pytest.mark.parametrize("name", ["nothing", "empty", "text.gguf"])
def test_a_place_without_a_model_is_one_sentence(tmp_path: Path, name: str) -> None:
    """Nothing there, an empty folder, a file of something else."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.gguf").write_text("hello")

    with pytest.raises((NotLookedUp, Unsupported)):
        look_up_local(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("Qwen/Qwen3-8B", Reference(repo_id="Qwen/Qwen3-8B")),
        (
            "unsloth/Qwen3-8B-GGUF:UD-Q4_K_XL",
            Reference(repo_id="unsloth/Qwen3-8B-GGUF", quantization="UD-Q4_K_XL"),
        ),
        ("https://huggingface.co/Qwen/Qwen3-8B", Reference(repo_id="Qwen/Qwen3-8B")),
        ("https://huggingface.co/Qwen/Qwen3-8B/tree/main?x=1", Reference(repo_id="Qwen/Qwen3-8B")),
        ("hf.co/Qwen/Qwen3-8B/", Reference(repo_id="Qwen/Qwen3-8B")),
        ("https://hf.co/a/b/resolve/main/sub/c.gguf", Reference(repo_id="a/b", file="sub/c.gguf")),
        ("qwen3-8b", None),
        ("a/b/c", None),
        ("../etc/passwd", None),
        ("a/..", None),
        ("a b/c", None),
        ("https://huggingface.co/Qwen", None),
        ("https://github.com/Qwen/Qwen3", None),
        ("x" * 600 + "/y", None),
    ],
)
def test_what_names_a_repository(text: str, reference: Reference | None) -> None:
    """Names, names with a quantization, addresses; nothing that could leave the hub's own paths."""
    assert reference_of(text) == reference


def test_settings_come_from_the_hubs_own_variables() -> None:
    """HF_ENDPOINT is a mirror; FITTINGROOM_HUB=off switches look-ups off; no token is ever printed."""
    made = hub_settings(
        {"HF_ENDPOINT": "https://mirror.test/", "HF_TOKEN": "hf_secret", "HF_HUB_OFFLINE": "1"}
    )

    assert made is not None
    assert (made.endpoint, made.token, made.offline) == ("https://mirror.test", "hf_secret", True)
    assert "hf_secret" not in repr(made)
    assert hub_settings({"FITTINGROOM_HUB": "off"}) is None
