"""vLLM: /v1/models, /version and /metrics.

Shapes seen in vLLM 0.6 to 0.29 (`vllm/v1/metrics/loggers.py`, `vllm/entrypoints/openai/models/protocol.py`):
`vllm:kv_cache_usage_perc` is a ratio in spite of its name, and was `vllm:gpu_cache_usage_perc` before 0.9.2;
`vllm:cache_config_info` carries the pool's size in its labels.
"""

from typing import Final

from exporter.engine_apis.reading import Sample, json_object, samples, text, total, whole
from exporter.engine_apis.state import Answers, EngineState

DEFAULT_PORT: Final = 8000
PATHS: Final = ("/v1/models", "/version", "/metrics")
STEADY: Final[tuple[str, ...]] = ("/v1/models", "/version")

_USAGE: Final = ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc")
_CONFIG: Final = "vllm:cache_config_info"
_COUNTS: Final = (
    "vllm:num_requests_running",
    "vllm:num_requests_waiting",
    "vllm:num_preemptions_total",
    "vllm:num_preemptions",
)


def state(answers: Answers) -> EngineState:
    """What a vLLM server says."""
    served = json_object(answers.get("/v1/models")).get("data")
    models = [one for one in served if isinstance(one, dict)] if isinstance(served, list) else []
    found = samples(answers.get("/metrics"), (*_USAGE, _CONFIG, *_COUNTS))
    usage = next((found[name] for name in _USAGE if found.get(name)), [])
    ratio = max(
        (sample.value for sample in usage), default=None
    )  # of several data-parallel engines the fullest
    limit = _pool_tokens(found.get(_CONFIG, []))
    return EngineState(
        names=tuple(name for one in models for key in ("id", "root") if (name := text(one.get(key)))),
        version=text(json_object(answers.get("/version")).get("version")),
        context_tokens=next((size for one in models if (size := whole(one.get("max_model_len")))), None),
        kv_cache_used_tokens=None if ratio is None or limit is None else round(_mean(usage) * limit),
        kv_cache_limit_tokens=limit,
        kv_cache_ratio=ratio,
        running_requests=total(found, "vllm:num_requests_running"),
        waiting_requests=total(found, "vllm:num_requests_waiting"),
        preemptions=total(found, "vllm:num_preemptions_total", "vllm:num_preemptions"),
    )


def _mean(usage: list[Sample]) -> float:
    return sum(sample.value for sample in usage) / len(usage)


def _pool_tokens(configs: list[Sample]) -> int | None:
    """Tokens all engines' pools hold; newer versions say it, older ones say blocks and their size."""
    sizes = [_pool(config) for config in configs]
    known = [size for size in sizes if size is not None]
    return sum(known) if known and len(known) == len(sizes) else None


def _pool(config: Sample) -> int | None:
    said = config.labels.get("kv_cache_size_tokens", "")
    if said.isdecimal():
        return int(said)
    blocks, size = config.labels.get("num_gpu_blocks", ""), config.labels.get("block_size", "")
    return int(blocks) * int(size) if blocks.isdecimal() and size.isdecimal() else None
