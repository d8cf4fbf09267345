"""A driver library compiled by the tests, and the file that says what node it shows."""

import os
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.real_parts import program

GIB = 1024**3
MIB = 1024**2
SOURCE = Path(__file__).with_name("fake_nvml.c")

# Totals and reserves as NVML prints them; real captures, in MiB.
A100_40GB = ("NVIDIA A100-SXM4-40GB", 40960, 620)
H100_80GB = ("NVIDIA H100 80GB HBM3", 81559, 479)


def build(folder: Path, *, old_driver: bool = False) -> Path:
    """Compile the library into `folder` and return the folder, ready for LD_LIBRARY_PATH.

    An old driver lacks the second version of the memory call, as those before R510 do.
    """
    folder.mkdir(parents=True, exist_ok=True)
    flags = ["-DNO_MEMORY_V2"] if old_driver else []
    library = folder / "libnvidia-ml.so.1"
    subprocess.run(
        [program("gcc"), "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-pthread", *flags,
         "-Wl,-soname,libnvidia-ml.so.1", "-o", os.fspath(library), os.fspath(SOURCE)],
        check=True,
    )  # fmt: skip
    return folder


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process on a device; None bytes is what WDDM and some containers show."""

    pid: int
    used: int | None
    list: str = "compute"


@dataclass(frozen=True, kw_only=True)
class Device:
    """A GPU or MIG instance of the fake node, in bytes, milliwatts, percent."""

    uuid: str
    name: str
    total: int
    used: int = 0
    reserved: int = 0
    util: int = 0
    power: int = 60_000
    limit: int = 400_000
    temp: int = 35
    ecc: int = 0
    gi: int = 0
    processes: tuple[Process, ...] = ()
    instances: dict[int, "Device"] = field(default_factory=dict)

    @property
    def free(self) -> int:
        return max(0, self.total - self.reserved - self.used)

    def keys(self) -> str:
        numbers = ("total", "free", "used", "reserved", "util", "power", "limit", "temp", "ecc", "gi")
        words = [f"uuid={self.uuid}", f"name={self.name.replace(' ', '_')}"]
        return " ".join([*words, *(f"{key}={getattr(self, key)}" for key in numbers)])


@dataclass(frozen=True, kw_only=True)
class Node:
    """What the library shows. `errors` are (call, gpu or -1, code); `hangs` are (call, milliseconds)."""

    devices: tuple[Device, ...]
    driver: str = "580.95.05"
    epoch: int = 1
    counted_once: bool = False  # GPUs plugged in later are seen by new sessions only, as by a real driver
    errors: tuple[tuple[str, int, int], ...] = ()
    hangs: tuple[tuple[str, int], ...] = ()
    xids: tuple[tuple[int, int, int], ...] = ()  # (growing serial, gpu, code)

    def text(self) -> str:
        lines = [f"driver {self.driver}", f"epoch {self.epoch}", f"once {int(self.counted_once)}"]
        for index, gpu in enumerate(self.devices):
            lines.append(f"gpu {index} {gpu.keys()} mig={1 if gpu.instances else 0}")
            lines += [f"mig {index} {slot} {one.keys()}" for slot, one in gpu.instances.items()]
            for slot, one in [(-1, gpu), *gpu.instances.items()]:
                lines += [
                    f"proc {index} {slot} {p.pid} {'-' if p.used is None else p.used} {p.list}"
                    for p in one.processes
                ]
        lines += [f"err {call} {gpu} {code}" for call, gpu, code in self.errors]
        lines += [f"hang {call} {milliseconds}" for call, milliseconds in self.hangs]
        lines += [f"xid {serial} {gpu} {code}" for serial, gpu, code in self.xids]
        return "\n".join(lines) + "\n"

    def write(self, path: Path) -> None:
        """Put the node in place in one step: a reader sees the old one or the new one."""
        beside = path.with_suffix(".new")
        beside.write_text(self.text())
        beside.replace(path)

    def with_device(self, index: int, **changes: object) -> "Node":
        devices = list(self.devices)
        devices[index] = replace(devices[index], **changes)  # type: ignore[arg-type]
        return replace(self, devices=tuple(devices))


def gpu(kind: tuple[str, int, int], index: int, *, used: int = 0, **more: object) -> Device:
    """The index-th GPU of a kind, with a UUID of its own."""
    name, total, reserved = kind
    return Device(
        uuid=f"GPU-{index:08x}-0000-4000-8000-{index:012x}",
        name=name,
        total=total * MIB,
        reserved=reserved * MIB,
        used=used,
        **more,  # type: ignore[arg-type]
    )
