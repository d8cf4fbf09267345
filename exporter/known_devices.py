"""Devices once seen stay on the list: a GPU that is gone must be seen to be gone."""

from collections.abc import Mapping, Sequence

from exporter.reading import DeviceIdentity, DeviceReading

_NAMELESS = "index-"


def remembered(
    known: Mapping[str, DeviceIdentity], devices: Sequence[DeviceReading]
) -> Mapping[str, DeviceIdentity]:
    """`known` with what this look saw; MIG instances that their healthy parent no longer has are forgotten."""
    up = {device.identity.uuid: device for device in devices if device.down_reason is None}
    kept = {
        uuid: identity
        for uuid, identity in known.items()
        if identity.parent_uuid is None or uuid in up or identity.parent_uuid not in up
    }
    return kept | {uuid: device.identity for uuid, device in up.items()}


def with_the_missing(
    known: Mapping[str, DeviceIdentity], devices: Sequence[DeviceReading], reason: str = "missing"
) -> tuple[DeviceReading, ...]:
    """The look's devices, and every known one it lacks as down.

    A device that cannot even tell its uuid is taken for the missing one of the same index, if there is one.
    """
    seen = {device.identity.uuid for device in devices}
    missing = {uuid: identity for uuid, identity in known.items() if uuid not in seen}
    by_index = {identity.index: identity for identity in missing.values() if identity.parent_uuid is None}
    told: list[DeviceReading] = []
    for device in devices:
        nameless = device.identity.uuid.startswith(_NAMELESS)
        match = by_index.get(device.identity.index) if nameless else None
        if match is None:
            told.append(device)
        else:
            told.append(DeviceReading(identity=match, down_reason=device.down_reason))
            del missing[match.uuid]
    parents_up = {device.identity.uuid for device in devices if device.down_reason is None}
    for identity in missing.values():
        why = reason if identity.parent_uuid is None or identity.parent_uuid in parents_up else "parent_down"
        told.append(DeviceReading(identity=identity, down_reason=why))
    return tuple(sorted(told, key=lambda device: _order(device.identity.index)))


def _order(index: str) -> tuple[int, ...]:
    return tuple(int(part) for part in index.split(":"))
