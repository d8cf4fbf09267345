"""The snapshot answers exactly as the facts do, and is used for exactly these facts by exactly this user."""

import pickle
from pathlib import Path

import pytest

from bot.terminal.facts import catalog_of
from bot.terminal.snapshot import OFF, keep_catalog, kept_catalog
from shared.question.names import names_of
from shared.question.parse import parse_question

QUESTION = "can Mixtral 8x22B run on 2x A100 40GB with 16k context?"


@pytest.fixture
def home(tmp_path):
    return {"XDG_CACHE_HOME": str(tmp_path)}


def _folder(home):
    return Path(home["XDG_CACHE_HOME"]) / "fittingroom"


def _file(home):
    (file,) = _folder(home).iterdir()
    return file


def test_what_is_kept_is_what_was_read(home, catalog):
    keep_catalog(catalog, home, None)

    assert kept_catalog(home, None) == catalog


def test_a_question_is_read_the_same_from_the_snapshot(home, catalog):
    keep_catalog(catalog, home, None)
    kept = kept_catalog(home, None)

    assert parse_question(QUESTION, kept) == parse_question(QUESTION, catalog)
    assert names_of(kept).models == names_of(catalog).models


def test_the_first_run_leaves_one_and_the_second_uses_it(home, monkeypatch):
    first = catalog_of(home)
    monkeypatch.setattr("shared.catalog.load.load_catalog", lambda _site: pytest.fail("read the facts again"))

    assert catalog_of(home) == first


def test_it_is_written_for_this_user_alone(home, catalog):
    keep_catalog(catalog, home, None)

    assert _file(home).stat().st_mode & 0o077 == 0
    assert _folder(home).stat().st_mode & 0o077 == 0


def test_one_that_others_could_have_written_is_not_used(home, catalog):
    keep_catalog(catalog, home, None)
    _file(home).chmod(0o620)

    assert kept_catalog(home, None) is None


def test_a_folder_that_others_could_write_to_is_not_used(home, catalog):
    keep_catalog(catalog, home, None)
    _folder(home).chmod(0o777)

    assert kept_catalog(home, None) is None


@pytest.mark.parametrize(
    "content", [b"", b"not a pickle", pickle.dumps(("neither", "of them")), pickle.dumps(7)]
)
def test_one_that_is_damaged_is_not_used(home, catalog, content):
    keep_catalog(catalog, home, None)
    _file(home).write_bytes(content)

    assert kept_catalog(home, None) is None


def test_a_changed_site_file_is_another_catalog(home, catalog, tmp_path):
    site = tmp_path / "site.toml"
    site.write_text("")
    keep_catalog(catalog, home, site)
    assert kept_catalog(home, site) is not None
    site.write_text("# more\n")

    assert kept_catalog(home, site) is None
    assert kept_catalog(home, None) is None


def test_only_the_newest_is_kept(home, catalog, tmp_path):
    site = tmp_path / "site.toml"
    site.write_text("")
    keep_catalog(catalog, home, None)
    keep_catalog(catalog, home, site)

    assert _file(home)
    assert kept_catalog(home, site) is not None


def test_none_is_written_when_switched_off_or_without_a_home(home, catalog):
    keep_catalog(catalog, {**home, OFF: "1"}, None)
    keep_catalog(catalog, {}, None)

    assert not _folder(home).exists()


def test_a_home_that_cannot_be_written_to_is_no_mistake(catalog, tmp_path):
    (tmp_path / "file").write_text("")
    keep_catalog(catalog, {"XDG_CACHE_HOME": str(tmp_path / "file")}, None)

    assert kept_catalog({"XDG_CACHE_HOME": str(tmp_path / "file")}, None) is None
