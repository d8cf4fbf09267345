"""The spellings of a device id that device plugins use -> the device's uuid (pure).

Seen: `GPU-…` and `MIG-…` (NVIDIA's plugin), `…::3` (a replica of a shared GPU), `nvidia0/gi5` and `nvidia0/gi5/vgpu1`
(GKE's MIG), `nvidia0/vgpu2` (GKE's sharing), `nvidia0` (GKE).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from exporter.kubernetes.pod_resources import Assignment
from exporter.reading import DeviceReading
from shared.node_report import WorkloadReport

_GKE: Final = re.compile(r"nvidia(\d+)(?:/gi(\d+))?(?:/vgpu\d+)?$")


def workloads(
    devices: Sequence[DeviceReading], given: Sequence[Assignment]
) -> Mapping[str, tuple[WorkloadReport, ...]]:
    """The containers each device was given to, by uuid; a shared device has several."""
    found: dict[str, dict[WorkloadReport, None]] = {}
    for one in given:
        uuid = _uuid(one.device_id, devices)
        if uuid is not None:
            place = WorkloadReport(namespace=one.namespace, pod=one.pod, container=one.container)
            found.setdefault(uuid, {})[place] = None
    return {uuid: tuple(places) for uuid, places in found.items()}


def _uuid(device_id: str, devices: Sequence[DeviceReading]) -> str | None:
    plain = device_id.partition("::")[0]
    if any(device.identity.uuid == plain for device in devices):
        return plain
    match = _GKE.fullmatch(device_id)
    if match is None:
        return None
    parent = next((one.identity.uuid for one in devices if one.identity.index == match[1]), None)
    if match[2] is None or parent is None:
        return parent
    instance = int(match[2])
    return next(
        (
            one.identity.uuid
            for one in devices
            if one.identity.parent_uuid == parent and one.identity.gpu_instance == instance
        ),
        None,
    )
