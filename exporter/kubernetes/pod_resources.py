"""The kubelet's answer as assignments of devices to containers (pure).

Message: kubelet/pkg/apis/podresources/v1/api.proto of Kubernetes (general availability in 1.28).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exporter.kubernetes.protobuf import fields, text

LIST_METHOD = "/v1.PodResourcesLister/List"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A container and a device id it was given, in the device plugin's own spelling."""

    namespace: str
    pod: str
    container: str
    device_id: str


def assignments(response: bytes) -> tuple[Assignment, ...]:
    """Every device of every container of a ListPodResourcesResponse.

    Raises:
        BadMessage: The response is not one.
    """
    return tuple(one for number, pod in fields(response) if number == 1 for one in _of_pod(pod))


def _of_pod(message: bytes) -> Iterator[Assignment]:
    """PodResources: name = 1, namespace = 2, containers = 3."""
    parts = list(fields(message))
    pod, namespace = _first(parts, 1), _first(parts, 2)
    for number, container in parts:
        if number == 3:
            yield from _of_container(container, namespace, pod)


def _of_container(message: bytes, namespace: str, pod: str) -> Iterator[Assignment]:
    """ContainerResources: name = 1, devices = 2; ContainerDevices: resource_name = 1, device_ids = 2."""
    parts = list(fields(message))
    container = _first(parts, 1)
    for number, devices in parts:
        if number == 2:
            for field_number, device_id in fields(devices):
                if field_number == 2:
                    yield Assignment(
                        namespace=namespace, pod=pod, container=container, device_id=text(device_id)
                    )


def _first(parts: Sequence[tuple[int, bytes]], wanted: int) -> str:
    return next((text(content) for number, content in parts if number == wanted), "")
