"""A GPU once seen is never simply gone."""

from exporter.known_devices import remembered, with_the_missing
from exporter.reading import DeviceIdentity, DeviceReading


def gpu(number: int, *, parent: str | None = None, slot: int = 0, down: str | None = None) -> DeviceReading:
    index = str(number) if parent is None else f"{number}:{slot}"
    uuid = f"GPU-{number}" if parent is None else f"MIG-{number}-{slot}"
    kind = "dedicated" if parent is None else "mig"
    identity = DeviceIdentity(uuid=uuid, index=index, name="A100", parent_uuid=parent, memory_kind=kind)
    return DeviceReading(identity=identity, down_reason=down)


def after(*devices: DeviceReading) -> dict[str, DeviceIdentity]:
    return dict(remembered({}, devices))


def test_a_gpu_that_fell_off_the_bus_is_down_and_in_its_place() -> None:
    told = with_the_missing(after(gpu(0), gpu(1), gpu(2)), [gpu(0), gpu(2)])

    assert [(one.identity.uuid, one.down_reason) for one in told] == [
        ("GPU-0", None),
        ("GPU-1", "missing"),
        ("GPU-2", None),
    ]


def test_when_the_driver_is_gone_every_known_gpu_is_down_for_that_reason() -> None:
    told = with_the_missing(after(gpu(0), gpu(1)), [], reason="driver_not_loaded")

    assert {one.down_reason for one in told} == {"driver_not_loaded"}
    assert len(told) == 2


def test_a_gpu_that_cannot_say_its_uuid_is_taken_for_the_missing_one_of_its_index() -> None:
    nameless = DeviceReading(
        identity=DeviceIdentity(uuid="index-1", index="1", name=""), down_reason="gpu_is_lost"
    )

    told = with_the_missing(after(gpu(0), gpu(1)), [gpu(0), nameless])

    assert [(one.identity.uuid, one.down_reason) for one in told] == [
        ("GPU-0", None),
        ("GPU-1", "gpu_is_lost"),
    ]


def test_a_gpu_lost_before_it_was_ever_read_is_told_by_its_index() -> None:
    nameless = DeviceReading(
        identity=DeviceIdentity(uuid="index-1", index="1", name=""), down_reason="gpu_is_lost"
    )

    told = with_the_missing(after(gpu(0)), [gpu(0), nameless])

    assert [one.identity.uuid for one in told] == ["GPU-0", "index-1"]


def test_instances_of_a_repartitioned_gpu_are_forgotten_and_those_of_a_lost_one_are_down() -> None:
    known = after(gpu(0), gpu(0, parent="GPU-0", slot=0), gpu(0, parent="GPU-0", slot=1))

    repartitioned = remembered(known, [gpu(0), gpu(0, parent="GPU-0", slot=1)])
    lost = with_the_missing(known, [gpu(0, down="gpu_is_lost")])

    assert set(repartitioned) == {"GPU-0", "MIG-0-1"}
    assert [(one.identity.uuid, one.down_reason) for one in lost] == [
        ("GPU-0", "gpu_is_lost"),
        ("MIG-0-0", "parent_down"),
        ("MIG-0-1", "parent_down"),
    ]
