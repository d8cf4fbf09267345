"""SGLang: /get_model_info, /get_server_info (now /server_info) and, with --enable-metrics, /metrics.

Shapes seen in SGLang 0.4 and 0.5 (`python/sglang/srt/entrypoints/http_server.py`, `srt/metrics/collector.py`). The
gauges are per rank and equal on each, so one is read and nothing is added up.
"""

from typing import Final

from exporter.engine_apis.reading import Sample, json_object, samples, text, whole
from exporter.engine_apis.state import Answers, EngineState

DEFAULT_PORT: Final = 30000
PATHS: Final = ("/get_model_info", "/server_info", "/get_server_info", "/metrics")
STEADY: Final[tuple[str, ...]] = ("/get_model_info",)

_METRICS: Final = (
    "sglang:token_usage",
    "sglang:num_used_tokens",
    "sglang:max_total_num_tokens",
    "sglang:num_running_reqs",
    "sglang:num_queue_reqs",
    "sglang:num_retractions_total",
)


def state(answers: Answers) -> EngineState:
    """What an SGLang server says."""
    model = json_object(answers.get("/get_model_info"))
    server = json_object(answers.get("/server_info")) or json_object(answers.get("/get_server_info"))
    found = samples(answers.get("/metrics"), _METRICS)
    names = (model.get("model_path"), server.get("model_path"), server.get("served_model_name"))
    limit = _largest(found.get("sglang:max_total_num_tokens", []))
    return EngineState(
        names=tuple(name for one in names if (name := text(one))),
        quantization=text(server.get("quantization")),
        version=text(server.get("version")),
        context_tokens=whole(server.get("context_length")),
        kv_cache_used_tokens=_whole_largest(found.get("sglang:num_used_tokens", [])),
        kv_cache_limit_tokens=round(limit)
        if limit is not None
        else whole(server.get("max_total_num_tokens")),
        kv_cache_ratio=_largest(found.get("sglang:token_usage", [])),
        running_requests=_whole_largest(found.get("sglang:num_running_reqs", [])),
        waiting_requests=_whole_largest(found.get("sglang:num_queue_reqs", [])),
        preemptions=_whole_largest(found.get("sglang:num_retractions_total", [])),
    )


def _largest(found: list[Sample]) -> float | None:
    return max((sample.value for sample in found), default=None)


def _whole_largest(found: list[Sample]) -> int | None:
    largest = _largest(found)
    return None if largest is None else round(largest)
