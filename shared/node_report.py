"""What the exporter says about its node at /api/v1/node: the shape the page shows and the bot reads."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

NODE_REPORT_PATH: Final = "/api/v1/node"
SCHEMA_VERSION: Final = 1

Bytes = Annotated[int, Field(ge=0)]
MemoryKind = Literal["dedicated", "unified", "mig"]


class Part(BaseModel):
    """Frozen; a field we do not know yet is ignored, so an older bot reads a newer exporter."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class MemoryReport(Part):
    """One device's memory. `free_bytes` may be allocated now, `usable_bytes` if nothing ran there.

    `used_bytes` leaves the driver's reserve out where `reserved_bytes` is known; it is None on unified memory whose
    processes cannot be read.
    """

    total_bytes: Bytes
    used_bytes: Bytes | None
    free_bytes: Bytes
    reserved_bytes: Bytes | None = None
    usable_bytes: Bytes


class WorkloadReport(Part):
    """The Kubernetes container something belongs to."""

    namespace: str
    pod: str
    container: str


class LoadedModelReport(Part):
    """A model on a device. `model` is the catalog's id when `in_catalog`, else the name as the engine gave it.

    Attributes:
        source: How it was recognised: the engine's own API, its command line, or not at all ("none").
        limit_ratio: How near it is to what binds it, 0 to 1; `limit_resource` says what that is.
        predicted_bytes: Our estimate for this device; None when we have no rule or do not know enough.
    """

    model: str
    quantization: str
    engine: str
    in_catalog: bool
    source: Literal["api", "argv", "none"]
    instances: int = 1
    context_tokens: int | None = None
    engine_version: str | None = None
    memory_used_bytes: Bytes | None = None
    memory_limit_bytes: Bytes | None = None
    kv_cache_used_tokens: int | None = None
    kv_cache_limit_tokens: int | None = None
    limit_ratio: float | None = None
    limit_resource: Literal["kv_cache", "memory"] | None = None
    running_requests: int | None = None
    waiting_requests: int | None = None
    preemptions: int | None = None
    predicted_bytes: Bytes | None = None
    predicted_uncertainty_bytes: Bytes | None = None
    prediction_error_ratio: float | None = None
    workloads: tuple[WorkloadReport, ...] = ()


class FitReport(Part):
    """A candidate held against one device or group, at the upper end of the estimate's error.

    `refused` is the engine's reason when it would not run there at all; the byte counts are then None.
    """

    model: str
    quantization: str
    engine: str
    context_tokens: int
    sequences: int
    fits_now: bool
    fits_empty: bool
    required_bytes: Bytes | None = None
    headroom_bytes: int | None = None
    refused: str | None = None


class GpuReport(Part):
    """One GPU or MIG instance. When `up` is false only its identity and `down_reason` are given."""

    uuid: str
    index: str  # "0"; a MIG instance "0:1"
    name: str
    gpu: str | None = None  # the catalog's id
    up: bool
    down_reason: str | None = None
    memory_kind: MemoryKind = "dedicated"
    parent_uuid: str | None = None
    mig_profile: str | None = None
    mig_enabled: bool = False  # a parent with MIG on: its own memory cannot be used, its instances can
    memory: MemoryReport | None = None
    utilization_ratio: float | None = None
    power_watts: float | None = None
    power_limit_watts: float | None = None
    temperature_celsius: float | None = None
    ecc_uncorrected_errors: int | None = None
    xid_errors: int | None = None  # since the exporter began to listen; told of a device that is down too
    xid_last_code: int | None = None
    processes: int | None = None
    unattributed_bytes: Bytes | None = None
    loaded_models: tuple[LoadedModelReport, ...] = ()
    workloads: tuple[WorkloadReport, ...] = ()
    fits: tuple[FitReport, ...] = ()


class GroupReport(Part):
    """GPUs of one kind on this node that one engine could use together, emptiest first."""

    group: str
    uuids: tuple[str, ...]
    fits: tuple[FitReport, ...] = ()


class HealthReport(Part):
    """The exporter's own health. `last_success_unix` is None before the first good poll."""

    ok: bool
    driver_up: bool
    message: str | None = None  # one sentence when not ok
    last_success_unix: float | None = None
    poll_duration_seconds: float | None = None
    poll_interval_seconds: float
    process_attribution: bool = True
    process_attribution_reason: str = ""
    candidates: int = 0
    series_dropped: int = 0


class NodeReport(Part):
    """One look at a node. `gpus` is empty and `health.ok` false when the last look failed: old data is not shown."""

    schema_version: int = SCHEMA_VERSION
    node: str
    simulated: bool
    driver_version: str | None = None
    taken_unix: float | None = None
    exporter_version: str
    catalog_date: str
    health: HealthReport
    gpus: tuple[GpuReport, ...] = ()
    groups: tuple[GroupReport, ...] = ()
