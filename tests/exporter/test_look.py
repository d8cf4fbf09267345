"""One look: bounded in time, reconnecting with pauses."""

import threading

import pytest

from exporter.look import BoundedLooks, Reconnecting
from exporter.reading import CallError, DeviceIdentity, DeviceReading, DriverUnavailable, NodeReading


class Script:
    """A source that does what the next entry says: a reading, an exception, or waiting for an event."""

    def __init__(self, *steps: NodeReading | Exception | threading.Event) -> None:
        self.steps = list(steps)
        self.reads = 0
        self.closed = 0

    def read(self) -> NodeReading:
        self.reads += 1
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, threading.Event):
            step.wait(10)
            return HEALTHY
        if isinstance(step, Exception):
            raise step
        return step

    def close(self) -> tuple[CallError, ...]:
        self.closed += 1
        return ()


IDENTITY = DeviceIdentity(uuid="GPU-0", index="0", name="A100")
HEALTHY = NodeReading(driver_version="1", devices=(DeviceReading(identity=IDENTITY),))
LOST = NodeReading(driver_version="1", devices=(DeviceReading(identity=IDENTITY, down_reason="gpu_is_lost"),))
GONE = DriverUnavailable("driver_not_loaded", "The NVIDIA driver is not loaded.")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_failed_driver_is_left_alone_for_longer_and_longer() -> None:
    clock, source = Clock(), Script(GONE)
    session = Reconnecting(source, 5.0, clock)
    asked: list[float] = []
    for second in range(200):
        clock.now = float(second)
        before = source.reads
        with pytest.raises(DriverUnavailable):
            session.read()
        if source.reads > before:
            asked.append(clock.now)

    assert asked == [0, 5, 15, 35, 75, 135, 195]  # pauses of 5, 10, 20, 40, then never more than 60


def test_each_new_try_closes_the_old_session_first_and_success_starts_afresh() -> None:
    clock, source = Clock(), Script(GONE, HEALTHY, GONE, HEALTHY)
    session = Reconnecting(source, 5.0, clock)
    outcomes: list[bool] = []
    for second in (0, 6, 7, 13):
        clock.now = float(second)
        try:
            session.read()
            outcomes.append(True)
        except DriverUnavailable:
            outcomes.append(False)

    assert outcomes == [False, True, False, True]
    assert source.closed == 2


def test_a_lost_gpu_makes_a_new_session_after_a_pause_while_the_others_are_read() -> None:
    clock, source = Clock(), Script(LOST)
    session = Reconnecting(source, 5.0, clock)
    for second in range(12):
        clock.now = float(second)
        session.read()

    assert source.reads == 12
    assert source.closed == 1  # at 5 s; the next at 15 s


def test_a_hung_driver_fails_the_look_in_time_and_the_next_ones_at_once() -> None:
    release = threading.Event()
    looks = BoundedLooks(Script(release, HEALTHY), 0.05, 1.0)

    first, second = looks.look(), looks.look()
    release.set()
    looks._current.done.wait(5)  # type: ignore[union-attr]
    third = looks.look()
    looks.stop()

    assert (first.failure_code, second.failure_code) == ("timeout", "timeout")
    assert second.duration_seconds < first.duration_seconds
    assert first.reading is None
    assert third.reading == HEALTHY


def test_what_a_hung_driver_says_too_late_is_never_shown() -> None:
    release = threading.Event()
    looks = BoundedLooks(Script(release, GONE), 0.05, 1.0)
    looks.look()
    release.set()
    looks._current.done.wait(5)  # type: ignore[union-attr]

    assert looks.look().failure_code == "driver_not_loaded"
    looks.stop()


def test_stopping_does_not_wait_for_a_hung_driver() -> None:
    never = threading.Event()
    looks = BoundedLooks(Script(never), 30.0, 1.0)
    outcome: list[str | None] = []
    waiting = threading.Thread(target=lambda: outcome.append(looks.look().failure_code))
    waiting.start()
    while looks._current is None:
        pass
    looks.stop()
    waiting.join(5)
    never.set()

    assert outcome == ["timeout"]


def test_a_mistake_of_ours_in_reading_is_raised_and_the_thread_lives_on() -> None:
    looks = BoundedLooks(Script(ZeroDivisionError(), HEALTHY), 5.0, 1.0)

    with pytest.raises(ZeroDivisionError):
        looks.look()
    assert looks.look().reading == HEALTHY
    looks.stop()
