"""The sparse files, the edits of the sources and the command around them."""

from pathlib import Path

import pytest

from benchmarks.oracle import __main__ as command
from benchmarks.oracle.case import Answer, Case, Held
from benchmarks.oracle.file_tensors import file_tensors
from benchmarks.oracle.gguf_file import FileTensor, write_sparse
from benchmarks.oracle.metadata import metadata
from benchmarks.oracle.record import RECORD, read, write
from benchmarks.oracle.source import EDITS, Edit, OracleError, apply, pinned_engines
from shared.catalog.load import load_catalog
from shared.engines.llama_cpp.graph.traits import CHECKED
from shared.engines.llama_cpp.quantizer import bytes_by_type, stored_tensors
from shared.hub.gguf.header import read_header

CATALOG = load_catalog()
LOADED = tuple(model for model in CATALOG.models.values() if model.shape.gguf_architecture in CHECKED)


def header_of(path: Path) -> dict[str, object]:
    with path.open("rb") as file:

        def read_at(offset: int, count: int) -> bytes:
            file.seek(offset)
            return file.read(count)

        header = read_header(read_at)
    return {"metadata": header.metadata, "tensors": header.tensors}


def test_a_sparse_file_reads_back_as_it_was_meant(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    tensors = (
        FileTensor("token_embd.weight", (256, 7), "q4_K"),
        FileTensor("blk.0.attn_norm.weight", (256,), "f32"),
    )

    write_sparse(
        path, {"general.architecture": "llama", "llama.block_count": 1, "a": [True, False], "b": 0.5}, tensors
    )

    assert header_of(path) == {
        "metadata": {"general.architecture": "llama", "llama.block_count": 1, "a": [True, False], "b": 0.5},
        "tensors": {"token_embd.weight": (256, 7), "blk.0.attn_norm.weight": (256,)},
    }
    content = 7 * 144 + 1024
    assert path.stat().st_size % 32 == 0
    assert content < path.stat().st_size < content + 512


def test_every_model_that_can_be_asked_about_has_a_file_of_its_own_weights_and_no_name_twice() -> None:
    for model in LOADED:
        tensors = file_tensors(model.shape, "Q4_K_M")

        assert len({tensor.name for tensor in tensors}) == len(tensors), model.id
        stored = sum(bytes_by_type(stored_tensors(model.shape, "Q4_K_M")).values())
        assert sum(tensor.size_bytes for tensor in tensors) == stored, model.id


def test_metadata_names_the_architecture_before_its_own_keys() -> None:
    found = metadata(CATALOG.models["mixtral-8x7b"])

    assert found["general.architecture"] == "llama"
    assert (found["llama.expert_count"], found["llama.expert_used_count"]) == (8, 2)
    assert found["llama.feed_forward_length"] == 14336
    assert "!xielu.eps" not in metadata(CATALOG.models["apertus-8b"])


def test_an_edit_is_made_as_often_as_it_must_be_and_else_refused(tmp_path: Path) -> None:
    (tmp_path / "a.cpp").write_text("x/1024; y/1024;")

    apply(Edit("a.cpp", "/1024;", ";", 2), tmp_path)
    assert (tmp_path / "a.cpp").read_text() == "x; y;"

    with pytest.raises(OracleError, match="0 times, not 2"):
        apply(Edit("a.cpp", "/1024;", ";", 2), tmp_path)


def test_sources_are_pinned_and_no_edit_touches_an_allocation() -> None:
    assert all(engine.release and engine.commit for engine in pinned_engines())
    assert {edit.file for edit in EDITS} == {"common/fit.cpp", "tools/fit-params/fit-params.cpp"}


def test_what_is_recorded_reads_back(tmp_path: Path) -> None:
    answers = {
        "1": {
            Case(model="a", gpu_layers=7, sequences=4, unified=True): Answer(
                devices=(Held(1, 2, 3),), host=Held(4, 5, 6)
            ),
            Case(model="a", value_type="q8_0", flash=False): Answer(
                refusal="quantized V cache requires flash_attn"
            ),
        }
    }
    path = tmp_path / "record.csv"

    write(path, pinned_engines(), answers)

    assert read(path) == answers


def _command(monkeypatch: pytest.MonkeyPatch, worse: int) -> int:
    recorded = read(RECORD)

    def measured(engine: object, asked: list[Case], catalog: object) -> dict[Case, Answer]:
        found = {case: recorded[engine.version][case] for case in asked}  # type: ignore[attr-defined]
        first = asked[0]
        host = found[first].host
        assert host is not None
        changed = Held(host.weights + worse, host.cache, host.compute)
        return found | {first: Answer(devices=found[first].devices, host=changed)}

    monkeypatch.setattr(command, "measured", measured)
    return command.main(["--model", "llama-3.2-3b"])


def test_the_command_ends_well_when_all_agree(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _command(monkeypatch, 0) == 0
    assert "weights" in capsys.readouterr().out


def test_the_command_fails_and_names_the_case_that_differs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _command(monkeypatch, 4096) == 1
    assert "llama-3.2-3b: weights, host" in capsys.readouterr().out


def test_an_unknown_model_is_said_and_nothing_is_built(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--model", "no-such-model"]) == 2
    assert "sweep.toml" in capsys.readouterr().err
