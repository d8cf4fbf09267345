"""The rules of a watch: when it is told, when it is not, and how it comes back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.watch_verbs import WatchVerb, watch_verb_of
from bot.watches import EXPIRES_AFTER, Step, Watch, WatchState, snoozed, step

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOLD = timedelta(seconds=60)
WATCH = Watch(
    id="w1", user="U1", question="llama-3.1-8b on a100-40gb", created_at=NOW, expires_at=NOW + EXPIRES_AFTER
)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_room_is_told_only_after_it_has_held() -> None:
    what, seen = step(WATCH, True, NOW, HOLD)
    assert what is Step.REMEMBER
    assert step(seen, True, after(59), HOLD)[0] is Step.NOTHING
    assert step(seen, True, after(60), HOLD)[0] is Step.TELL


def test_a_break_starts_the_wait_anew() -> None:
    _, seen = step(WATCH, True, NOW, HOLD)
    what, broken = step(seen, False, after(30), HOLD)
    assert what is Step.REMEMBER
    assert broken.fits_since is None
    what, again = step(broken, True, after(61), HOLD)
    assert what is Step.REMEMBER
    assert step(again, True, after(90), HOLD)[0] is Step.NOTHING


def test_a_fleet_that_cannot_be_seen_neither_tells_nor_breaks() -> None:
    _, seen = step(WATCH, True, NOW, HOLD)
    assert step(seen, None, after(61), HOLD) == (Step.NOTHING, seen)


def test_without_a_hold_it_is_told_at_once() -> None:
    assert step(WATCH, True, NOW, timedelta(0))[0] is Step.TELL


def test_a_watch_ends_when_its_time_is_over_even_if_there_is_room() -> None:
    assert step(WATCH, True, WATCH.expires_at, HOLD)[0] is Step.EXPIRE


@pytest.mark.parametrize("state", [state for state in WatchState if state is not WatchState.WAITING])
def test_only_a_waiting_watch_is_looked_at(state: WatchState) -> None:
    ended = replace(WATCH, state=state)
    assert step(ended, True, NOW, timedelta(0)) == (Step.NOTHING, ended)


def test_a_snoozed_watch_is_quiet_for_an_hour_and_then_a_new_round() -> None:
    again = snoozed(replace(WATCH, state=WatchState.TOLD), NOW)
    assert again.round == WATCH.round + 1
    assert step(again, True, after(3599), timedelta(0))[0] is Step.NOTHING
    assert step(again, True, after(3600), timedelta(0))[0] is Step.TELL


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("watch llama 3.1 8b on A100 40GB", "llama 3.1 8b on A100 40GB"),
        ("tell me when 2x 80 GB are free for llama 3.3 70b", "llama 3.3 70b on 2x 80 GB"),
        ("Tell me when llama 3.3 70b fp8 fits on 2x A100 80GB!", "llama 3.3 70b fp8 on 2x A100 80GB"),
        ("notify me when mixtral 8x22b q4_k_m fits", "mixtral 8x22b q4_k_m"),
        ("let me know when qwen3 32b can run on L40S", "qwen3 32b on L40S"),
    ],
)
def test_a_wish_to_be_told_is_read_with_its_question(text: str, question: str) -> None:
    assert watch_verb_of(text) == WatchVerb(kind="keep", question=question)


@pytest.mark.parametrize("text", ["watches", "my watches", "list watches", "watch"])
def test_asking_for_the_watches_lists_them(text: str) -> None:
    assert watch_verb_of(text) == WatchVerb(kind="list")


@pytest.mark.parametrize("text", ["can mixtral run on a100", "tell me what fits on 4090", "status", ""])
def test_other_questions_are_left_to_others(text: str) -> None:
    assert watch_verb_of(text) is None
