"""What one look at the node saw, as the driver said it; None means it could not be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MemoryKind = Literal["dedicated", "unified", "mig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryReading:
    """Bytes of one device. `reserved_bytes` is None where the driver counts its reserve as used and cannot say."""

    total_bytes: int
    free_bytes: int
    used_bytes: int | None
    reserved_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessReading:
    """A process that holds device memory. `used_bytes` is None where the driver may not say (WDDM, some containers)."""

    pid: int
    used_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceIdentity:
    """What stays the same while a device lives: the part that is still told when it is lost."""

    uuid: str
    index: str
    name: str
    memory_kind: MemoryKind = "dedicated"
    parent_uuid: str | None = None
    mig_profile: str | None = None
    gpu_instance: int | None = None  # NVML's number of a MIG instance's GPU instance


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReading:
    """One GPU or MIG instance as it was at the moment of the look.

    Attributes:
        down_reason: Why nothing else could be read; None while the device answers.
        mig_enabled: A parent with MIG on: its own memory cannot be used, its instances' can.
        xid_errors: Xid errors it has reported since we began to listen; None where it cannot report any.
        processes: Who holds memory here; None where the list may not be read.
    """

    identity: DeviceIdentity
    down_reason: str | None = None
    mig_enabled: bool = False
    memory: MemoryReading | None = None
    utilization_ratio: float | None = None
    power_watts: float | None = None
    power_limit_watts: float | None = None
    temperature_celsius: float | None = None
    ecc_uncorrected_errors: int | None = None
    xid_errors: int | None = None
    xid_last_code: int | None = None
    processes: tuple[ProcessReading, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallError:
    """A driver call that failed in a way worth counting (a call the device does not support is not one)."""

    call: str
    code: str


class DriverUnavailable(Exception):
    """The driver as a whole cannot be talked to; `code` is NVML's name of the error, `sentence` says it."""

    def __init__(self, code: str, sentence: str, errors: Sequence[CallError] = ()) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReading:
    """Everything one look saw."""

    driver_version: str | None
    devices: tuple[DeviceReading, ...]
    errors: tuple[CallError, ...] = ()
