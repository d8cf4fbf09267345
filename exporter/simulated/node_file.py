"""The file that describes a simulated node: TOML, or JSON of the same shape."""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.units import MIB

_MOST_BYTES: Final = 1024**2
Mib = Annotated[int, Field(ge=0, le=2**40)]


class Part(BaseModel):
    """Frozen, no unknown keys; lists are taken for tuples because TOML has only lists."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SimulatedEngine(Part):
    """What the server's own API would say."""

    kv_cache_used_tokens: int | None = None
    kv_cache_limit_tokens: int | None = None
    running_requests: int | None = None
    waiting_requests: int | None = None
    preemptions: int | None = None


class SimulatedProcess(Part):
    """A process with its command line; `used_mib` left out is a driver that may not say.

    Processes of the same `server` are one server: the workers of a tensor-parallel one.
    """

    command: Annotated[tuple[str, ...], Field(min_length=1)]
    used_mib: Mib | None = None
    server: str | None = None
    engine: SimulatedEngine | None = None


class SimulatedInstance(Part):
    """A MIG instance."""

    profile: str
    total_mib: Mib
    used_mib: Mib = 0
    processes: tuple[SimulatedProcess, ...] = ()


class SimulatedGpu(Part):
    """A GPU as the driver would tell it. `used_mib` left out is the sum over its processes."""

    name: str
    total_mib: Mib
    reserved_mib: Mib | None = None
    used_mib: Mib | None = None
    utilization_percent: Annotated[int, Field(ge=0, le=100)] = 0
    power_watts: float = 60.0
    power_limit_watts: float = 400.0
    temperature_celsius: float = 35.0
    unified: bool = False
    down: str | None = None
    processes: tuple[SimulatedProcess, ...] = ()
    instances: tuple[SimulatedInstance, ...] = ()

    @property
    def used_bytes(self) -> int:
        """Bytes in use: as said, else what the processes hold."""
        used = self.used_mib
        if used is None:
            used = sum(process.used_mib or 0 for process in self.processes)
        return used * MIB

    @model_validator(mode="after")
    def _adds_up(self) -> "SimulatedGpu":
        if self.used_bytes + (self.reserved_mib or 0) * MIB > self.total_mib * MIB:
            raise ValueError("used_mib and reserved_mib together are more than total_mib")
        return self


class SimulatedNode(Part):
    """The whole file."""

    node: str
    driver_version: str | None = None
    gpus: tuple[SimulatedGpu, ...]


class BadNodeFile(Exception):
    """A file that describes no node; the message says where and why."""


def read_node_file(path: Path) -> SimulatedNode:
    """The node that a file describes.

    Raises:
        BadNodeFile: It cannot be read or understood.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise BadNodeFile(f"{path} is larger than 1 MiB")
        text = data.decode()
        content = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        return SimulatedNode.model_validate(content)
    except OSError as error:
        raise BadNodeFile(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in detail["loc"])
        raise BadNodeFile(f"{path}: {place}: {detail['msg']}") from error
    except ValueError as error:  # not UTF-8, not TOML, not JSON
        raise BadNodeFile(f"{path} cannot be understood: {error}") from error
