"""Watches in a database, on SQLite and on a real PostgreSQL: nothing is lost, one process wins."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine

from bot.alert_store import ALERTS
from bot.cannot_start import CannotStart
from bot.database import migrate, open_database
from bot.defaults_store import DEFAULTS, DefaultsStore
from bot.watch_store import METADATA, WatchStore
from bot.watches import EXPIRES_AFTER, Watch, WatchState
from tests.bot.postgres import postgres

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
LEASE = timedelta(seconds=60)


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = (
        f"sqlite:///{tmp_path}/bot.sqlite"
        if request.param == "sqlite"
        else request.getfixturevalue("postgres_url")
    )
    made = open_database(url)
    with made.begin() as connection:
        for table in reversed(METADATA.sorted_tables):
            connection.execute(table.delete())
    yield made
    made.dispose()


@pytest.fixture
def store(engine: Engine) -> WatchStore:
    return WatchStore(engine)


def watch(name: str = "w1", user: str = "U1") -> Watch:
    return Watch(
        id=name,
        user=user,
        question="llama-3.1-8b on a100-40gb",
        created_at=NOW,
        expires_at=NOW + EXPIRES_AFTER,
    )


def test_the_migrations_make_the_tables_that_the_code_reads(engine: Engine) -> None:
    with engine.connect() as connection:
        assert ALERTS.metadata is DEFAULTS.metadata is METADATA
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_migrating_again_changes_nothing(engine: Engine, store: WatchStore) -> None:
    store.add(watch())
    migrate(engine)
    assert store.get("w1") == watch()


def test_a_watch_comes_back_as_it_was_kept(store: WatchStore) -> None:
    kept = replace(watch(), fits_since=NOW, snoozed_until=NOW + LEASE, round=3)
    store.add(kept)
    assert store.get("w1") == kept
    assert store.of_user("U1") == (kept,)
    assert store.of_user("U2") == ()
    assert store.counts() == {"waiting": 1}


def test_of_many_processes_that_claim_at_once_exactly_one_wins(store: WatchStore) -> None:
    store.add(watch())
    won: list[str] = []
    gate = threading.Barrier(8)

    def claim(owner: str) -> None:
        gate.wait()
        if store.claim(watch(), owner, NOW, NOW + LEASE):
            won.append(owner)

    threads = [threading.Thread(target=claim, args=(f"p{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    held = store.get("w1")
    assert held is not None
    assert held.owner == won[0]


def test_a_claim_holds_until_its_lease_is_over_and_keeps_when_the_telling_began(store: WatchStore) -> None:
    store.add(watch())
    assert store.claim(watch(), "first", NOW, NOW + LEASE)
    assert not store.claim(watch(), "second", NOW, NOW + LEASE)
    assert store.abandoned(NOW + LEASE) == ()
    late = NOW + LEASE + timedelta(seconds=1)
    (left,) = store.abandoned(late)
    assert store.claim(left, "second", late, late + LEASE)
    held = store.get("w1")
    assert held is not None
    assert held.telling_since == NOW


def test_only_the_owner_ends_a_telling(store: WatchStore) -> None:
    store.add(watch())
    store.claim(watch(), "first", NOW, NOW + LEASE)
    assert not store.finish(watch(), "second", WatchState.TOLD, NOW)
    assert store.finish(watch(), "first", WatchState.TOLD, NOW)
    ended = store.get("w1")
    assert ended is not None
    assert (ended.state, ended.told_at, ended.owner) == (WatchState.TOLD, NOW, None)
    assert not store.claim(watch(), "first", NOW, NOW + LEASE)


def test_a_change_does_not_overwrite_what_another_process_has_changed(store: WatchStore) -> None:
    store.add(watch())
    read = store.get("w1")
    assert read is not None
    store.claim(watch(), "first", NOW, NOW + LEASE)
    assert not store.change(read, replace(read, state=WatchState.STOPPED))


def test_a_channels_defaults_are_kept_replaced_and_taken_away(engine: Engine) -> None:
    defaults = DefaultsStore(engine)
    assert defaults.get("C1") == ""
    defaults.put("C1", "what fits on 2x a100-80gb vllm", "U1")
    defaults.put("C1", "what fits on h200", "U2")
    assert defaults.get("C1") == "what fits on h200"
    assert defaults.get("C2") == ""
    defaults.put("C1", "", "U1")
    assert defaults.get("C1") == ""


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nonsense", "Could not parse"),
        ("oracle+nothing://x/y", "oracle"),
        ("postgresql://bot:hunter2@127.0.0.1:9/none", "refused"),
        ("sqlite:////proc/none/bot.sqlite", "No such file"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_sentence_without_its_password(url: str, reason: str) -> None:
    with pytest.raises(CannotStart, match=reason) as failure:
        open_database(url)
    assert "hunter2" not in str(failure.value)
    assert "\n" not in str(failure.value)
