"""One NVML session and what a look through it sees."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from exporter.nvml.bound_gpus import bound_gpus
from exporter.nvml.calls import CallFailed, Calls, unavailable
from exporter.nvml.device import HostMemory, read_gpu, read_mig_instance
from exporter.nvml.xid_events import XidEvents
from exporter.reading import CallError, DeviceIdentity, DeviceReading, DriverUnavailable, NodeReading

_MOST_MIG_SLOTS: Final = 64


class Nvml:
    """The NVML driver. Not thread-safe: one worker thread owns it.

    Args:
        host: Asked for devices whose memory is the host's and that NVML therefore does not report.
        bound: The GPUs that the kernel's driver holds. NVML counts GPUs when a session begins: when others are bound
            than then, because one was plugged in or taken out, a new session is needed to see it.
    """

    def __init__(self, host: HostMemory, bound: Callable[[], frozenset[str]] = bound_gpus) -> None:
        self._host = host
        self._bound = bound
        self._bound_at_start: frozenset[str] = frozenset()
        self._open = False
        self._identities: dict[int, DeviceIdentity] = {}  # index order holds within one session
        self._xids = XidEvents()

    def read(self) -> NodeReading:
        """One look at every device; opens the session when it is not open.

        Raises:
            DriverUnavailable: The driver as a whole does not answer.
        """
        calls = Calls()
        bound = self._bound()
        if bound != self._bound_at_start:
            calls.errors += self.close()
        try:
            if not self._open:
                self._bound_at_start = bound
                calls.must("nvmlInit")
                self._open = True
                self._identities = {}
                self._xids.forget_session()
            self._xids.fetch(calls)
            count: int = calls.must("nvmlDeviceGetCount")
            version: str | None = calls.may("nvmlSystemGetDriverVersion")
            devices = tuple(device for index in range(count) for device in self._devices_at(calls, index))
        except CallFailed as failed:
            raise unavailable(failed.call, failed.code, calls.errors) from failed
        return NodeReading(driver_version=version, devices=devices, errors=tuple(calls.errors))

    def close(self) -> tuple[CallError, ...]:
        """End the session, so that the next read starts a new one; returns what the driver said against it."""
        calls = Calls()
        if self._open:
            self._open = False
            try:
                self._xids.forget_session(calls)
                calls.must("nvmlShutdown")
            except (CallFailed, DriverUnavailable):
                return tuple(calls.errors)
        return ()

    def _devices_at(self, calls: Calls, index: int) -> Iterator[DeviceReading]:
        """The GPU at `index`, then its MIG instances; only the lost GPU itself when it is lost on the way."""
        identity = self._identities.get(index) or DeviceIdentity(
            uuid=f"index-{index}", index=str(index), name=""
        )
        try:
            handle = calls.must("nvmlDeviceGetHandleByIndex", index)
            uuid: str = calls.must("nvmlDeviceGetUUID", handle)
            name = identity.name if identity.uuid == uuid else ""
            identity = DeviceIdentity(uuid=uuid, index=str(index), name=name)
            identity = DeviceIdentity(
                uuid=uuid, index=str(index), name=calls.may("nvmlDeviceGetName", handle) or name
            )
            self._identities[index] = identity
            self._xids.listen(calls, handle, uuid)
            gpu = read_gpu(calls, handle, identity, self._host)
            instances = tuple(_mig_instances(calls, handle, identity)) if gpu.mig_enabled else ()
        except CallFailed as failed:
            yield self._with_xids(DeviceReading(identity=identity, down_reason=failed.code))
            return
        yield self._with_xids(gpu)
        yield from instances

    def _with_xids(self, gpu: DeviceReading) -> DeviceReading:
        """The reading with what the GPU has reported; that of a lost one says why it was lost."""
        xids = self._xids.of(gpu.identity.uuid)
        return replace(gpu, xid_errors=xids.errors, xid_last_code=xids.last_code) if xids else gpu


def _mig_instances(calls: Calls, handle: Any, parent: DeviceIdentity) -> Iterator[DeviceReading]:
    """The MIG devices of one GPU, in the order of their sparse slots.

    Memory belongs to the GPU instance: of several compute instances in one, only the first carries it, so that
    sums are right.
    """
    seen: set[int] = set()
    slots: int = calls.may("nvmlDeviceGetMaxMigDeviceCount", handle) or 0
    for slot in range(min(slots, _MOST_MIG_SLOTS)):
        instance = calls.may("nvmlDeviceGetMigDeviceHandleByIndex", handle, slot)
        uuid = None if instance is None else calls.may("nvmlDeviceGetUUID", instance)
        if uuid is None:
            continue
        gpu_instance = calls.may("nvmlDeviceGetGpuInstanceId", instance)
        carries_memory = gpu_instance not in seen
        if gpu_instance is not None:
            seen.add(gpu_instance)
        yield read_mig_instance(
            calls,
            instance,
            uuid=uuid,
            parent=parent,
            slot=slot,
            gpu_instance=gpu_instance,
            carries_memory=carries_memory,
        )
