"""One device of the report (pure)."""

from exporter.live_gpus import usable_bytes
from exporter.loaded_models import unattributed_bytes
from exporter.reading import DeviceReading
from shared.catalog.rows import Gpu
from shared.node_report import FitReport, GpuReport, LoadedModelReport, MemoryReport, WorkloadReport


def gpu_report(
    device: DeviceReading,
    row: Gpu | None,
    fits: tuple[FitReport, ...],
    models: tuple[LoadedModelReport, ...],
    pods: tuple[WorkloadReport, ...],
    *,
    readable: bool,
) -> GpuReport:
    """The report of one device; of one that is down its identity and reason alone.

    Args:
        device: What the look saw.
        row: The catalog's row of this kind of GPU.
        fits: The candidates held against it.
        models: The models recognised on it.
        pods: The containers it was given to.
        readable: Whether processes can be told apart on this node.
    """
    report = _identity_report(device, row)
    if device.down_reason is not None:
        return report
    unattributed = unattributed_bytes(device, models, readable=readable and not device.mig_enabled)
    return report.model_copy(
        update={
            "mig_enabled": device.mig_enabled,
            "memory": _memory_report(device, row),
            "utilization_ratio": device.utilization_ratio,
            "power_watts": device.power_watts,
            "power_limit_watts": device.power_limit_watts,
            "temperature_celsius": device.temperature_celsius,
            "ecc_uncorrected_errors": device.ecc_uncorrected_errors,
            "processes": None if device.processes is None else len(device.processes),
            "unattributed_bytes": unattributed,
            "loaded_models": models,
            "workloads": pods,
            "fits": fits,
        }
    )


def _identity_report(device: DeviceReading, row: Gpu | None) -> GpuReport:
    identity = device.identity
    return GpuReport(
        uuid=identity.uuid,
        index=identity.index,
        name=identity.name,
        gpu=row.id if row else None,
        up=device.down_reason is None,
        down_reason=device.down_reason,
        memory_kind=identity.memory_kind,
        parent_uuid=identity.parent_uuid,
        mig_profile=identity.mig_profile,
        xid_errors=device.xid_errors,
        xid_last_code=device.xid_last_code,
    )


def _memory_report(device: DeviceReading, row: Gpu | None) -> MemoryReport | None:
    memory, usable = device.memory, usable_bytes(device, row)
    if memory is None or usable is None:
        return None
    return MemoryReport(
        total_bytes=memory.total_bytes,
        used_bytes=memory.used_bytes,
        free_bytes=memory.free_bytes,
        reserved_bytes=memory.reserved_bytes,
        usable_bytes=usable,
    )
