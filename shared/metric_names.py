"""Name, kind, labels and help of every metric: the contract between exporter, bot, alerts and dashboards."""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["gauge", "counter", "histogram", "info"]
Component = Literal["exporter", "bot", "both"]

PREFIX: Final = "fittingroom_"
_UNITS: Final = ("bytes", "seconds", "ratio", "watts", "celsius", "tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric family. `name` is what a query says (counters with `_total`, infos with `_info`)."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    component: Component = "exporter"

    @property
    def unit(self) -> str:
        """The base unit in the name, or nothing for counts, flags and infos."""
        stem = self.name.removesuffix("_total")
        return next((unit for unit in _UNITS if stem.endswith(f"_{unit}")), "")


def _gauge(name: str, text: str, *labels: str, component: Component = "exporter") -> Metric:
    return Metric(name=PREFIX + name, kind="gauge", help=text, labels=labels, component=component)


def _counter(name: str, text: str, *labels: str, component: Component = "exporter") -> Metric:
    return Metric(name=f"{PREFIX}{name}_total", kind="counter", help=text, labels=labels, component=component)


def _info(name: str, text: str, *labels: str, component: Component = "exporter") -> Metric:
    return Metric(name=f"{PREFIX}{name}_info", kind="info", help=text, labels=labels, component=component)


# What makes a row unique. Names and profiles of a GPU come by joining gpu_info on uuid.
GPU: Final = ("uuid",)
CANDIDATE: Final = ("model", "quantization", "engine", "context", "sequences")
LOADED: Final = ("uuid", "model", "quantization", "engine")
WORKLOAD: Final = ("workload_namespace", "workload_pod", "workload_container")

BUILD_INFO: Final = _info(
    "build", "1, with the versions that answer: program, estimator and the date of the catalog's facts.",
    "component", "version", "estimator_version", "catalog_date", component="both",
)  # fmt: skip

# --- devices: GPUs and MIG instances ---
GPU_INFO: Final = _info(
    "gpu", "1 per GPU or MIG instance. gpu is the catalog's id, empty when unknown; memory_kind is dedicated, "
    "unified or mig; source is nvml or simulated.",
    "uuid", "index", "name", "gpu", "memory_kind", "parent_uuid", "mig_profile", "driver_version", "source",
)  # fmt: skip
GPU_UP: Final = _gauge("gpu_up", "1 while the device answers, 0 when one seen before does not.", *GPU)
GPU_DOWN_INFO: Final = _info("gpu_down", "1 per device that is not up, with the reason.", "uuid", "reason")
GPU_MEMORY_TOTAL: Final = _gauge(
    "gpu_memory_total_bytes", "Memory of the device as the driver reports it.", *GPU
)
GPU_MEMORY_USED: Final = _gauge(
    "gpu_memory_used_bytes",
    "Memory in use by processes, without the driver's reserve where that is known.",
    *GPU,
)
GPU_MEMORY_FREE: Final = _gauge("gpu_memory_free_bytes", "Memory that may be allocated now.", *GPU)
GPU_MEMORY_RESERVED: Final = _gauge(
    "gpu_memory_reserved_bytes",
    "Memory kept by the driver and firmware; absent where the driver cannot say.",
    *GPU,
)
GPU_MEMORY_USABLE: Final = _gauge(
    "gpu_memory_usable_bytes", "Memory that could be allocated if nothing ran on the device.", *GPU
)
GPU_MEMORY_UNATTRIBUTED: Final = _gauge(
    "gpu_memory_unattributed_bytes", "Used memory that no recognised model accounts for.", *GPU
)
GPU_UTILIZATION: Final = _gauge("gpu_utilization_ratio", "Share of time in which a kernel ran.", *GPU)
GPU_POWER: Final = _gauge("gpu_power_watts", "Power drawn by the device.", *GPU)
GPU_POWER_LIMIT: Final = _gauge("gpu_power_limit_watts", "Power limit in force.", *GPU)
GPU_TEMPERATURE: Final = _gauge("gpu_temperature_celsius", "Temperature of the GPU die.", *GPU)
GPU_ECC_UNCORRECTED: Final = _counter(
    "gpu_ecc_uncorrected_errors", "Uncorrectable memory errors since the driver was loaded.", *GPU
)
GPU_XID_ERRORS: Final = _counter(
    "gpu_xid_errors",
    "Xid errors the GPU has reported since the exporter began to listen; absent where it cannot report any.",
    *GPU,
)
GPU_XID_LAST_CODE: Final = _gauge(
    "gpu_xid_last_code", "Code of the last Xid error reported; absent until there has been one.", *GPU
)
GPU_PROCESSES: Final = _gauge("gpu_processes", "Processes that hold memory on the device.", *GPU)
GPU_WORKLOAD_INFO: Final = _info(
    "gpu_workload", "1 per Kubernetes container that was given the device.", "uuid", *WORKLOAD
)

# --- what fits: the candidate list held against every device ---
FITS_NOW: Final = _gauge(
    "fits_now", "1 if the candidate fits the memory free now, at the upper end of the estimate's error; else 0.",
    "uuid", *CANDIDATE,
)  # fmt: skip
FITS_EMPTY: Final = _gauge(
    "fits_empty",
    "1 if the candidate would fit the device with nothing else on it; else 0.",
    "uuid",
    *CANDIDATE,
)
FIT_REQUIRED: Final = _gauge(
    "fit_required_bytes", "Memory the candidate needs on the device, upper end of the estimate's error.",
    "uuid", *CANDIDATE,
)  # fmt: skip
FIT_HEADROOM: Final = _gauge(
    "fit_headroom_bytes", "Memory that stays free with the candidate loaded now; negative is what is missing.",
    "uuid", *CANDIDATE,
)  # fmt: skip
GROUP_INFO: Final = _info(
    "group", "1 per GPU of a group that one engine could use together.", "group", "uuid"
)
GROUP_FITS_NOW: Final = _gauge(
    "group_fits_now", "1 if the candidate, spread over the group, fits the memory free now; else 0.",
    "group", *CANDIDATE,
)  # fmt: skip
GROUP_FITS_EMPTY: Final = _gauge(
    "group_fits_empty", "1 if the candidate would fit the group with nothing else on it; else 0.",
    "group", *CANDIDATE,
)  # fmt: skip
GROUP_FIT_REQUIRED: Final = _gauge(
    "group_fit_required_bytes", "Memory the candidate needs on the fullest GPU of the group, upper end.",
    "group", *CANDIDATE,
)  # fmt: skip
GROUP_FIT_HEADROOM: Final = _gauge(
    "group_fit_headroom_bytes", "Memory that stays free on the fullest GPU of the group; negative is missing.",
    "group", *CANDIDATE,
)  # fmt: skip

# --- loaded models ---
LOADED_INFO: Final = _info(
    "loaded_model", "1 per model on a device. source says how it was recognised (api, argv, or none); in_catalog "
    "says whether model is a catalog id; context is what the engine was started with.",
    *LOADED, "context", "source", "in_catalog", "engine_version",
)  # fmt: skip
LOADED_WORKLOAD_INFO: Final = _info(
    "loaded_model_workload", "1 per Kubernetes container that runs the model.", *LOADED, *WORKLOAD
)
LOADED_INSTANCES: Final = _gauge("loaded_model_instances", "Servers of this model on the device.", *LOADED)
LOADED_MEMORY_USED: Final = _gauge(
    "loaded_model_memory_used_bytes", "Device memory held by the model's processes.", *LOADED
)
LOADED_MEMORY_LIMIT: Final = _gauge(
    "loaded_model_memory_limit_bytes", "Device memory the model may grow to.", *LOADED
)
LOADED_KV_USED: Final = _gauge(
    "loaded_model_kv_cache_used_tokens",
    "Tokens in the model's KV cache, as its engine reports (the same on each of its devices).",
    *LOADED,
)
LOADED_KV_LIMIT: Final = _gauge(
    "loaded_model_kv_cache_limit_tokens",
    "Tokens the model's KV cache holds, as its engine reports (the same on each of its devices).",
    *LOADED,
)
LOADED_LIMIT_RATIO: Final = _gauge(
    "loaded_model_limit_ratio", "How near the model is to what binds it, 0 to 1: its KV cache for engines that "
    "reserve up front, device memory for engines that grow. Absent when the engine does not say.",
    *LOADED, "resource",
)  # fmt: skip
LOADED_RUNNING: Final = _gauge("loaded_model_running_requests", "Requests the engine works on.", *LOADED)
LOADED_WAITING: Final = _gauge("loaded_model_waiting_requests", "Requests waiting for room.", *LOADED)
LOADED_PREEMPTIONS: Final = _counter(
    "loaded_model_preemptions", "Requests thrown out of the KV cache to make room.", *LOADED
)
LOADED_PREDICTED: Final = _gauge(
    "loaded_model_predicted_bytes", "What our estimator says the model needs on the device.", *LOADED
)
LOADED_PREDICTED_UNCERTAINTY: Final = _gauge(
    "loaded_model_predicted_uncertainty_bytes", "Half the width of the prediction's 95 % interval.", *LOADED
)
LOADED_ERROR_RATIO: Final = _gauge(
    "loaded_model_prediction_error_ratio", "Predicted over used memory, minus 1.", *LOADED
)

# --- the exporter's own health ---
SIMULATED: Final = _gauge("exporter_simulated", "1 if the node is simulated from a file, 0 if it is real.")
DRIVER_UP: Final = _gauge("exporter_driver_up", "1 if the last poll could talk to the driver, else 0.")
POLL_SUCCESS: Final = _gauge("exporter_last_poll_success", "1 if the last poll gave a snapshot, else 0.")
POLL_TIMESTAMP: Final = _gauge(
    "exporter_last_success_timestamp_seconds", "When the last good snapshot was taken, Unix time."
)
SNAPSHOT_AGE: Final = _gauge(
    "exporter_snapshot_age_seconds", "Age of the data on this page; absent when the page has none."
)
POLL_DURATION: Final = _gauge("exporter_poll_duration_seconds", "How long the last poll took.")
POLLS: Final = _counter("exporter_polls", "Polls by result: success, failure, timeout, skipped.", "result")
POLL_ERRORS: Final = _counter(
    "exporter_nvml_errors", "Driver calls that failed, by call and NVML's error code.", "call", "code"
)
DRIVER_RECONNECTS: Final = _counter("exporter_driver_reconnects", "Times the driver was opened anew.")
ATTRIBUTION: Final = _gauge(
    "exporter_process_attribution",
    "1 if processes can be told apart by /proc, 0 if not (see reason).",
    "reason",
)
ENGINE_READ_ERRORS: Final = _counter(
    "exporter_engine_read_errors", "Engine endpoints that could not be read, by cause.", "engine", "cause"
)
POD_RESOURCES_UP: Final = _gauge(
    "exporter_pod_resources_up",
    "1 if the kubelet said whose the GPUs are, else 0; absent outside Kubernetes.",
)
CANDIDATES: Final = _gauge("exporter_candidates", "Candidates in use from the list.")
CANDIDATES_RELOAD_SUCCESS: Final = _gauge(
    "exporter_candidates_reload_success", "1 if the candidate file could be read when last looked at, else 0."
)
CANDIDATES_UNSUPPORTED: Final = _gauge(
    "exporter_candidates_unsupported", "Candidates the estimator has no rule for; they have no series."
)
SERIES_LIMIT: Final = _gauge("exporter_series_limit", "Most series of fit metrics this exporter will emit.")
SERIES_DROPPED: Final = _gauge(
    "exporter_series_dropped", "Series of fit metrics left out because of the limit."
)
HTTP_REQUESTS: Final = _counter("exporter_http_requests", "HTTP requests answered, by status.", "code")

# --- the bot ---
BOT_QUESTIONS: Final = _counter(
    "bot_questions", "Questions by way in (command, mention, message, button) and result (answered, "
    "not_understood, failed).", "source", "result", component="bot",
)  # fmt: skip
BOT_ANSWER_SECONDS: Final = Metric(
    name=f"{PREFIX}bot_answer_duration_seconds", kind="histogram", component="bot", labels=("source",),
    help="Time from a question's arrival to its posted answer.",
)  # fmt: skip
BOT_SLACK_CONNECTED: Final = _gauge(
    "bot_slack_connected", "1 while Slack reaches us, else 0.", component="bot"
)
BOT_SLACK_ERRORS: Final = _counter(
    "bot_slack_errors", "Calls to Slack that failed, by method and error.", "method", "error", component="bot"
)
BOT_SLACK_RATE_LIMITED: Final = _counter(
    "bot_slack_rate_limited", "Times Slack told us to wait.", "method", component="bot"
)
BOT_FLEET_READS: Final = _counter(
    "bot_fleet_reads", "Looks at the fleet by result: success, partial, failure.", "result", component="bot"
)
BOT_FLEET_TIMESTAMP: Final = _gauge(
    "bot_fleet_last_success_timestamp_seconds",
    "When the fleet could last be read, Unix time.",
    component="bot",
)
BOT_WATCHES: Final = _gauge("bot_watches", "Watches kept, by state.", "state", component="bot")
BOT_NOTIFICATIONS: Final = _counter(
    "bot_watch_notifications", "Watch messages by result: sent, failed.", "result", component="bot"
)

METRICS: Final = tuple(value for value in globals().copy().values() if isinstance(value, Metric))
