"""What NVML says about one device."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, Final

from exporter.nvml.calls import (
    ECC_UNCORRECTED,
    ECC_VOLATILE,
    MEMORY_V2,
    MIG_ENABLED,
    TEMPERATURE_GPU,
    CallFailed,
    Calls,
    DeviceLost,
)
from exporter.reading import CallError, DeviceIdentity, DeviceReading, MemoryReading, ProcessReading


@dataclass(frozen=True, slots=True, kw_only=True)
class HostMemory:
    """The host's memory, for devices that have none of their own.

    Attributes:
        read: Total and available bytes.
        never_for: Product names of GPUs known to have memory of their own: when the driver does not tell it for one of
            them, it is unreadable, and the host's must not be shown in its place.
    """

    read: Callable[[], tuple[int, int]]
    never_for: Collection[str] = ()


_PROCESS_LISTS: Final = (
    "nvmlDeviceGetComputeRunningProcesses",
    "nvmlDeviceGetGraphicsRunningProcesses",
    "nvmlDeviceGetMPSComputeRunningProcesses",
)
_MILLI: Final = 1000


def read_gpu(calls: Calls, handle: Any, identity: DeviceIdentity, host: HostMemory) -> DeviceReading:
    """Everything about a whole GPU. Each call that fails leaves only its own field None.

    Raises:
        DeviceLost: The GPU is gone.
    """
    mig = calls.may("nvmlDeviceGetMigMode", handle)
    mig_enabled = mig is not None and mig[0] == MIG_ENABLED
    processes = None if mig_enabled else _processes(calls, handle)  # the parent's list is its instances'
    memory, no_memory_of_its_own = _memory(calls, handle)
    of_a_known_kind = not identity.name or identity.name in host.never_for
    if no_memory_of_its_own and not mig_enabled and not of_a_known_kind:
        memory = _unified_memory(host, processes)
        identity = replace(identity, memory_kind="unified")
    utilization = calls.may("nvmlDeviceGetUtilizationRates", handle)
    power = calls.may("nvmlDeviceGetPowerUsage", handle)
    limit = calls.may("nvmlDeviceGetEnforcedPowerLimit", handle)
    temperature = calls.may("nvmlDeviceGetTemperature", handle, TEMPERATURE_GPU)
    return DeviceReading(
        identity=identity,
        mig_enabled=mig_enabled,
        memory=memory,
        utilization_ratio=None if utilization is None else utilization.gpu / 100,
        power_watts=None if power is None else power / _MILLI,
        power_limit_watts=None if limit is None else limit / _MILLI,
        temperature_celsius=None if temperature is None else float(temperature),
        ecc_uncorrected_errors=calls.may(
            "nvmlDeviceGetTotalEccErrors", handle, ECC_UNCORRECTED, ECC_VOLATILE
        ),
        processes=_plausible(calls, processes, memory),
    )


def read_mig_instance(
    calls: Calls,
    handle: Any,
    *,
    uuid: str,
    parent: DeviceIdentity,
    slot: int,
    gpu_instance: int | None,
    carries_memory: bool,
) -> DeviceReading:
    """A MIG device; the sensors are the parent's and are not repeated here."""
    name: str = calls.may("nvmlDeviceGetName", handle) or ""
    memory = _memory(calls, handle)[0] if carries_memory else None
    return DeviceReading(
        identity=DeviceIdentity(
            uuid=uuid,
            index=f"{parent.index}:{slot}",
            name=name,
            memory_kind="mig",
            parent_uuid=parent.uuid,
            mig_profile=name.rpartition(" MIG ")[2] if " MIG " in name else "",
            gpu_instance=gpu_instance,
        ),
        memory=memory,
        processes=_plausible(calls, _processes(calls, handle), memory) if carries_memory else None,
    )


def _memory(calls: Calls, handle: Any) -> tuple[MemoryReading | None, bool]:
    """The memory, by the second version of the call where the driver has it; and whether there is none to report.

    Any failure of v2 falls back to v1: drivers before R510 lack the symbol and WSL answers "unknown". v1 counts the
    driver's reserve as used (nvml.h: "Sum of Reserved and Allocated"), so there the reserve stays unknown.
    """
    info = calls.may("nvmlDeviceGetMemoryInfo", handle, MEMORY_V2)
    reserved: int | None = None
    if info is not None:
        reserved = info.reserved
    else:
        try:
            info = calls.must("nvmlDeviceGetMemoryInfo", handle)
        except DeviceLost:
            raise
        except CallFailed as failed:
            return None, failed.code == "not_supported"
    if info.total == 0:  # some unified-memory drivers answer success and zeroes
        return None, True
    if max(info.used, info.free, reserved or 0) > info.total:
        calls.errors.append(CallError(call="nvmlDeviceGetMemoryInfo", code="implausible"))
        return None, False
    return (
        MemoryReading(
            total_bytes=info.total, free_bytes=info.free, used_bytes=info.used, reserved_bytes=reserved
        ),
        False,
    )


def _unified_memory(host: HostMemory, processes: tuple[ProcessReading, ...] | None) -> MemoryReading | None:
    """The host's memory as the device's: free is what the kernel calls available, used what the GPU's processes hold.

    Total less available would count every other program on the machine as GPU use.
    """
    total, available = host.read()
    if total <= 0:
        return None
    known = processes is not None and all(process.used_bytes is not None for process in processes)
    used = sum(process.used_bytes or 0 for process in processes or ()) if known else None
    return MemoryReading(total_bytes=total, free_bytes=available, used_bytes=used)


def _processes(calls: Calls, handle: Any) -> tuple[ProcessReading, ...] | None:
    """Who holds memory. The same process may be in several lists: the largest figure counts, not the sum."""
    lists = [calls.may(name, handle) for name in _PROCESS_LISTS]
    if all(one is None for one in lists):
        return None
    used: dict[int, int | None] = {}
    for entry in (entry for one in lists if one is not None for entry in one):
        before = used.get(entry.pid)
        now: int | None = entry.usedGpuMemory
        used[entry.pid] = max(before or 0, now or 0) if before is not None or now is not None else None
    return tuple(ProcessReading(pid=pid, used_bytes=size) for pid, size in sorted(used.items()))


def _plausible(
    calls: Calls, processes: tuple[ProcessReading, ...] | None, memory: MemoryReading | None
) -> tuple[ProcessReading, ...] | None:
    """The list, or None when it cannot be true: a driver and library of different ages mix the fields up."""
    if processes is None or memory is None:
        return processes
    if any(process.pid <= 0 or (process.used_bytes or 0) > memory.total_bytes for process in processes):
        calls.errors.append(CallError(call="nvmlDeviceGetComputeRunningProcesses", code="implausible"))
        return None
    return processes
