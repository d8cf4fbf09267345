"""A snapshot as metric families: health always, data only when the last look gave some."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from prometheus_client.metrics_core import Metric as PrometheusMetric

from exporter.families import Rows, family, single
from exporter.snapshot import Snapshot
from shared import metric_names as names
from shared.metric_names import Metric
from shared.node_report import GpuReport, LoadedModelReport, MemoryReport, NodeReport


def families(snapshot: Snapshot) -> Iterator[PrometheusMetric]:
    """What changes from one look to the next; what fits is in `exporter.fit_families`, because mostly it does not."""
    yield from _health(snapshot)
    yield from _devices(snapshot.report)
    yield from _loaded(snapshot.report)


def _health(snapshot: Snapshot) -> Iterator[PrometheusMetric]:
    """`fittingroom_exporter_last_poll_success 1` and its kin."""
    report, counts = snapshot.report, snapshot.counts
    health = report.health
    versions = snapshot.versions
    build = {
        "component": "exporter",
        "version": versions.program,
        "estimator_version": versions.estimator,
        "catalog_date": versions.catalog,
    }
    yield family(names.BUILD_INFO, [(build, 1)])
    yield single(names.SIMULATED, report.simulated)
    yield single(names.DRIVER_UP, health.driver_up)
    yield single(names.POLL_SUCCESS, health.ok)
    yield single(names.POLL_TIMESTAMP, health.last_success_unix)
    yield single(names.POLL_DURATION, health.poll_duration_seconds)
    yield family(names.POLLS, (({"result": result}, count) for result, count in counts.polls.items()))
    yield family(
        names.POLL_ERRORS,
        (({"call": call, "code": code}, count) for (call, code), count in sorted(counts.nvml_errors.items())),
    )
    yield single(names.DRIVER_RECONNECTS, counts.reconnects)
    yield family(
        names.ENGINE_READ_ERRORS,
        (
            ({"engine": name, "cause": why}, count)
            for (name, why), count in sorted(counts.engine_errors.items())
        ),
    )
    yield family(
        names.ATTRIBUTION, [({"reason": health.process_attribution_reason}, health.process_attribution)]
    )
    yield single(names.POD_RESOURCES_UP, snapshot.pod_resources_up)
    yield single(names.CANDIDATES, health.candidates)
    yield single(names.CANDIDATES_RELOAD_SUCCESS, snapshot.candidates_reload_ok)
    yield single(names.CANDIDATES_UNSUPPORTED, snapshot.candidates_unsupported)
    yield single(names.SERIES_LIMIT, snapshot.series_limit)
    yield single(names.SERIES_DROPPED, health.series_dropped)


_MEMORY_GAUGES: Final[tuple[tuple[Metric, Callable[[MemoryReport], float | None]], ...]] = (
    (names.GPU_MEMORY_TOTAL, lambda memory: memory.total_bytes),
    (names.GPU_MEMORY_USED, lambda memory: memory.used_bytes),
    (names.GPU_MEMORY_FREE, lambda memory: memory.free_bytes),
    (names.GPU_MEMORY_RESERVED, lambda memory: memory.reserved_bytes),
    (names.GPU_MEMORY_USABLE, lambda memory: memory.usable_bytes),
)
# What is free on a GPU split by MIG can be used by nobody, and would be counted twice beside its instances' free.
_NOT_OF_MIG_PARENTS: Final = (names.GPU_MEMORY_FREE, names.GPU_MEMORY_USABLE)
_DEVICE_GAUGES: Final[tuple[tuple[Metric, Callable[[GpuReport], float | None]], ...]] = (
    (names.GPU_MEMORY_UNATTRIBUTED, lambda gpu: gpu.unattributed_bytes),
    (names.GPU_UTILIZATION, lambda gpu: gpu.utilization_ratio),
    (names.GPU_POWER, lambda gpu: gpu.power_watts),
    (names.GPU_POWER_LIMIT, lambda gpu: gpu.power_limit_watts),
    (names.GPU_TEMPERATURE, lambda gpu: gpu.temperature_celsius),
    (names.GPU_ECC_UNCORRECTED, lambda gpu: gpu.ecc_uncorrected_errors),
    (names.GPU_XID_ERRORS, lambda gpu: gpu.xid_errors),
    (names.GPU_XID_LAST_CODE, lambda gpu: gpu.xid_last_code),
    (names.GPU_PROCESSES, lambda gpu: gpu.processes),
)


def _devices(report: NodeReport) -> Iterator[PrometheusMetric]:
    """`fittingroom_gpu_memory_free_bytes{uuid="GPU-…"} 3.1e+10` and its kin."""
    yield family(names.GPU_INFO, ((_identity(gpu, report), 1) for gpu in report.gpus))
    yield family(names.GPU_UP, (({"uuid": gpu.uuid}, gpu.up) for gpu in report.gpus))
    down = (gpu for gpu in report.gpus if not gpu.up)
    yield family(
        names.GPU_DOWN_INFO, (({"uuid": gpu.uuid, "reason": gpu.down_reason or ""}, 1) for gpu in down)
    )
    memories = [(gpu, gpu.memory) for gpu in report.gpus if gpu.memory is not None]
    for memory_metric, memory_value in _MEMORY_GAUGES:
        rows = (
            ({"uuid": gpu.uuid}, memory_value(memory))
            for gpu, memory in memories
            if not (gpu.mig_enabled and memory_metric in _NOT_OF_MIG_PARENTS)
        )
        yield family(memory_metric, rows)
    for metric, value in _DEVICE_GAUGES:
        yield family(metric, (({"uuid": gpu.uuid}, value(gpu)) for gpu in report.gpus))
    places = (
        ({"uuid": gpu.uuid, **_workload(place.namespace, place.pod, place.container)}, 1)
        for gpu in report.gpus
        for place in gpu.workloads
    )
    yield family(names.GPU_WORKLOAD_INFO, places)


def _identity(gpu: GpuReport, report: NodeReport) -> Mapping[str, str]:
    return {
        "uuid": gpu.uuid,
        "index": gpu.index,
        "name": gpu.name,
        "gpu": gpu.gpu or "",
        "memory_kind": gpu.memory_kind,
        "parent_uuid": gpu.parent_uuid or "",
        "mig_profile": gpu.mig_profile or "",
        "driver_version": report.driver_version or "",
        "source": "simulated" if report.simulated else "nvml",
    }


def _workload(namespace: str, pod: str, container: str) -> dict[str, str]:
    return {"workload_namespace": namespace, "workload_pod": pod, "workload_container": container}


_LOADED_GAUGES: Final[tuple[tuple[Metric, Callable[[LoadedModelReport], float | None]], ...]] = (
    (names.LOADED_INSTANCES, lambda model: model.instances),
    (names.LOADED_MEMORY_USED, lambda model: model.memory_used_bytes),
    (names.LOADED_MEMORY_LIMIT, lambda model: model.memory_limit_bytes),
    (names.LOADED_KV_USED, lambda model: model.kv_cache_used_tokens),
    (names.LOADED_KV_LIMIT, lambda model: model.kv_cache_limit_tokens),
    (names.LOADED_RUNNING, lambda model: model.running_requests),
    (names.LOADED_WAITING, lambda model: model.waiting_requests),
    (names.LOADED_PREEMPTIONS, lambda model: model.preemptions),
    (names.LOADED_PREDICTED, lambda model: model.predicted_bytes),
    (names.LOADED_PREDICTED_UNCERTAINTY, lambda model: model.predicted_uncertainty_bytes),
    (names.LOADED_ERROR_RATIO, lambda model: model.prediction_error_ratio),
)


def _loaded(report: NodeReport) -> Iterator[PrometheusMetric]:
    """`fittingroom_loaded_model_memory_used_bytes{uuid="GPU-…",model="llama-3.1-8b",…} 9.7e+09` and its kin."""
    models = [(_loaded_labels(gpu, model), model) for gpu in report.gpus for model in gpu.loaded_models]
    yield family(names.LOADED_INFO, (({**labels, **_loaded_info(model)}, 1) for labels, model in models))
    places = (
        ({**labels, **_workload(place.namespace, place.pod, place.container)}, 1)
        for labels, model in models
        for place in model.workloads
    )
    yield family(names.LOADED_WORKLOAD_INFO, places)
    for metric, value in _LOADED_GAUGES:
        yield family(metric, ((labels, value(model)) for labels, model in models))
    ratios: Rows = (
        ({**labels, "resource": model.limit_resource or ""}, model.limit_ratio) for labels, model in models
    )
    yield family(names.LOADED_LIMIT_RATIO, ratios)


def _loaded_labels(gpu: GpuReport, model: LoadedModelReport) -> dict[str, str]:
    return {
        "uuid": gpu.uuid,
        "model": model.model,
        "quantization": model.quantization,
        "engine": model.engine,
    }


def _loaded_info(model: LoadedModelReport) -> dict[str, str]:
    return {
        "context": "" if model.context_tokens is None else str(model.context_tokens),
        "source": model.source,
        "in_catalog": "true" if model.in_catalog else "false",
        "engine_version": model.engine_version or "",
    }
