"""Readings of a simulated node; the file is read at every look, so editing it is like using the GPUs."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from exporter.reading import (
    CallError,
    DeviceIdentity,
    DeviceReading,
    DriverUnavailable,
    MemoryReading,
    NodeReading,
    ProcessReading,
)
from exporter.simulated.node_file import (
    BadNodeFile,
    SimulatedGpu,
    SimulatedInstance,
    SimulatedNode,
    SimulatedProcess,
    read_node_file,
)
from shared.units import MIB

DEFAULT_NODE: Final = Path(__file__).with_name("a100-node.toml")
FIRST_PID: Final = 1_000_001


class SimulatedSource:
    """The driver's place taken by a file. `processes` is what the last look's processes are, by made-up pid."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.processes: dict[int, SimulatedProcess] = {}

    def read(self) -> NodeReading:
        """One look at the file. Raises DriverUnavailable when it cannot be used."""
        try:
            node = read_node_file(self._path)
        except BadNodeFile as error:
            raise DriverUnavailable("simulation", str(error)) from error
        self.processes = {}
        devices = tuple(one for index, gpu in enumerate(node.gpus) for one in self._devices(node, gpu, index))
        return NodeReading(driver_version=node.driver_version, devices=devices)

    def close(self) -> tuple[CallError, ...]:
        """Nothing to let go of."""
        return ()

    def _devices(self, node: SimulatedNode, gpu: SimulatedGpu, index: int) -> Iterator[DeviceReading]:
        identity = DeviceIdentity(
            uuid=f"GPU-{_made_up_uuid(node.node, str(index))}",
            index=str(index),
            name=gpu.name,
            memory_kind="unified" if gpu.unified else "dedicated",
        )
        if gpu.down is not None:
            yield DeviceReading(identity=identity, down_reason=gpu.down)
            return
        total, reserved = gpu.total_mib * MIB, gpu.reserved_mib
        reserved_bytes = None if reserved is None else reserved * MIB
        yield DeviceReading(
            identity=identity,
            mig_enabled=bool(gpu.instances),
            memory=MemoryReading(
                total_bytes=total,
                free_bytes=total - gpu.used_bytes - (reserved_bytes or 0),
                used_bytes=gpu.used_bytes,
                reserved_bytes=reserved_bytes,
            ),
            utilization_ratio=gpu.utilization_percent / 100,
            power_watts=gpu.power_watts,
            power_limit_watts=gpu.power_limit_watts,
            temperature_celsius=gpu.temperature_celsius,
            ecc_uncorrected_errors=0,
            processes=None if gpu.instances else self._processes(gpu.processes),
        )
        for slot, instance in enumerate(gpu.instances):
            yield self._instance(node, identity, instance, slot)

    def _instance(
        self, node: SimulatedNode, parent: DeviceIdentity, instance: SimulatedInstance, slot: int
    ) -> DeviceReading:
        used = max(instance.used_mib, sum(process.used_mib or 0 for process in instance.processes)) * MIB
        return DeviceReading(
            identity=DeviceIdentity(
                uuid=f"MIG-{_made_up_uuid(node.node, f'{parent.index}:{slot}')}",
                index=f"{parent.index}:{slot}",
                name=f"{parent.name} MIG {instance.profile}",
                memory_kind="mig",
                parent_uuid=parent.uuid,
                mig_profile=instance.profile,
            ),
            memory=MemoryReading(
                total_bytes=instance.total_mib * MIB,
                free_bytes=max(0, instance.total_mib * MIB - used),
                used_bytes=used,
                reserved_bytes=0,
            ),
            processes=self._processes(instance.processes),
        )

    def _processes(self, processes: tuple[SimulatedProcess, ...]) -> tuple[ProcessReading, ...]:
        readings = []
        for process in processes:
            pid = FIRST_PID + len(self.processes)
            self.processes[pid] = process
            used = process.used_mib
            readings.append(ProcessReading(pid=pid, used_bytes=None if used is None else used * MIB))
        return tuple(readings)


def _made_up_uuid(node: str, index: str) -> uuid.UUID:
    """The same node and index give the same uuid at every start, so a graph goes on."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, f"{index}.{node}.simulated.invalid")
